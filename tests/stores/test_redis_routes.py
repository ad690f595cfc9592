"""A primary that was replaced and does not know it: what it refuses or loses, another is asked."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.sessions import Store
from gatepass.stores.redis import RedisStore
from gatepass.stores.redis.primaries import CHECK_S
from tests.servers.redis_server import Server, eventually
from tests.servers.redis_sets import ServerSet, start_sentinel
from tests.stores.plans import sid
from tests.stores.redis_backends import redis_store_at
from tests.stores.twins import Runner

pytestmark = pytest.mark.faults

TOKEN = sid("token")
GUARD_S = CHECK_S + 0.1
"""After which it is looked again at who answers."""


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[ServerSet]:
    servers = start_sentinel("redis 8", tmp_path)
    yield servers
    servers.stop()


@pytest.fixture
def used(servers: ServerSet, twin: str, runner: Runner) -> Iterator[Store]:
    """A store that knows the way to the first primary."""
    store = redis_store_at(servers.url, twin, runner)
    store.revoke_token(sid("before"))
    yield store
    store.close()


def replace_primary(servers: ServerSet, sentinels: list[Server], folder: Path) -> Server:
    """Have these sentinels name the replica, and leave the old primary in peace."""
    new = servers.servers[1]
    new.command("REPLICAOF", "NO", "ONE")
    follow = ("--replicaof", "127.0.0.1", str(new.port), "--repl-diskless-sync-delay", "0")
    servers.servers.append(Server("redis 8", folder / "another", follow).start())
    eventually(lambda: new.info("replication")["connected_slaves"] == 1, "nobody follows")
    for sentinel in sentinels:
        sentinel.command("SENTINEL", "REMOVE", "main")
        sentinel.command("SENTINEL", "MONITOR", "main", "127.0.0.1", new.port, 2)
    return new


@pytest.mark.parametrize("refuses", [False, True])
def test_a_primary_that_cannot_confirm_is_not_asked_again(
    servers: ServerSet,
    used: Store,
    tmp_path: Path,
    refuses: bool,  # noqa: FBT001 (a parameter)
) -> None:
    new = replace_primary(servers, servers.sentinels, tmp_path)
    if refuses:
        servers.servers[0].command("CONFIG", "SET", "min-replicas-to-write", "1")

    with pytest.raises(StoreUnavailable):
        used.revoke_token(TOKEN)
    used.revoke_token(TOKEN)

    assert any(TOKEN.encode() in key for key in new.client().scan_iter("*:x:t:*"))


def test_a_sentinel_that_was_cut_off_with_the_primary_is_not_believed_twice(
    servers: ServerSet, used: Store, tmp_path: Path
) -> None:
    """The store has asked the first, which goes on naming the old primary."""
    new = replace_primary(servers, servers.sentinels[1:], tmp_path)

    with pytest.raises(StoreUnavailable):
        used.revoke_token(TOKEN)
    used.revoke_token(TOKEN)

    assert any(TOKEN.encode() in key for key in new.client().scan_iter("*:x:t:*"))


def test_an_isolated_primary_does_not_let_in_what_was_revoked_elsewhere(
    servers: ServerSet, used: Store, tmp_path: Path
) -> None:
    """It answers reads for ever: `min-replicas-to-write` is 0 unless somebody has set it."""
    assert not used.is_revoked(None, TOKEN)
    replace_primary(servers, servers.sentinels, tmp_path)
    elsewhere = RedisStore.from_url(servers.url)
    elsewhere.revoke_token(TOKEN)
    elsewhere.close()
    time.sleep(GUARD_S)

    assert used.is_revoked(None, TOKEN)


def test_a_primary_isolated_together_with_most_sentinels_is_not_believed(
    servers: ServerSet, used: Store, tmp_path: Path
) -> None:
    assert not used.is_revoked(None, TOKEN)
    replace_primary(servers, servers.sentinels[1:], tmp_path)
    for sentinel in servers.sentinels[1:]:
        sentinel.kill()
    time.sleep(GUARD_S)

    with pytest.raises(StoreUnavailable):
        used.is_revoked(None, TOKEN)


def test_a_primary_that_most_sentinels_name_is_asked_although_its_replica_is_gone(
    servers: ServerSet, used: Store
) -> None:
    servers.servers[1].kill()
    time.sleep(GUARD_S)

    assert used.is_revoked(None, sid("before"))
    assert not used.is_revoked(None, TOKEN)
