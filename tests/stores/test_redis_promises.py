"""What makes a change durable cannot be told, or becomes less while the store is in use."""

import asyncio
import inspect
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.revocations import AsyncReplica, Replica
from gatepass.sessions import RotationKind, Store
from gatepass.stores.redis import durability
from tests.budget import require_short
from tests.servers.redis_server import Server, eventually
from tests.servers.redis_sets import ServerSet, start_alone, start_pair
from tests.stores.plans import log_in, present, sid
from tests.stores.redis_backends import redis_store_at
from tests.stores.twins import Runner

ALARM_S = 2.0
LOOK_S = 10.0
"""After so long a server is asked again what makes a change durable."""

DURABLE: dict[str, Callable[[Any], Any]] = {
    "issue": lambda store: store.issue(log_in()),
    "REUSED": lambda store: store.rotate(present(sid("rotated"), leeway=0)),
    "revoke_session": lambda store: store.revoke_session(sid("live"), reason="log-out"),
    "revoke_token": lambda store: store.revoke_token(sid("token")),
    "revoke_subject": lambda store: store.revoke_subject("ada", reason="log-out"),
    "revoke_all": lambda store: store.revoke_all(reason="restore"),
}


@pytest.fixture(params=["redis 7", "redis 8", "valkey"])
def alone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServerSet]:
    servers = start_alone(request.param, tmp_path)
    yield servers
    servers.stop()


@pytest.fixture
def used(alone: ServerSet, twin: str, runner: Runner) -> Iterator[Store]:
    store = redis_store_at(alone.url, twin, runner)
    fill(store)
    yield store
    store.close()


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Lets `LOOK_S` pass, without waiting for it."""
    waited = 0.0

    def forward() -> None:
        nonlocal waited
        waited += LOOK_S + 0.1

    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + waited)
    monkeypatch.setattr(durability, "time", clock)
    return forward


def fill(store: Store) -> None:
    for name in ("live", "rotated"):
        store.issue(log_in(session_id=sid(name)))
    store.rotate(present(sid("rotated")))


def allow(server: Server, *rules: str) -> str:
    """The URL of a user who may do everything but this."""
    server.command("ACL", "SETUSER", "auth", "on", ">pass", "~*", "&*", "+@all", *rules)
    return f"redis://auth:pass@{server.address}/0"


def require_refused(store: Store, match: str) -> None:
    """Twice, since it must not be forgotten; but what was reused is merely revoked afterwards."""
    for name in [*DURABLE, *DURABLE.keys() - {"REUSED"}]:
        with pytest.raises(StoreUnavailable, match=match):
            DURABLE[name](store)


def test_nothing_is_acknowledged_where_nobody_can_tell_what_makes_it_durable(
    alone: ServerSet, twin: str, runner: Runner
) -> None:
    """Nobody has to have called `check`."""
    [server] = alone.servers
    owner = redis_store_at(alone.url, twin, runner)
    fill(owner)
    owner.close()
    store = redis_store_at(allow(server, "-info"), twin, runner)

    require_refused(store, "INFO is forbidden.*replicas=N")
    assert store.sessions("ada") == []
    store.close()


def test_a_user_who_may_not_ask_says_how_many_replicas_confirm(
    tmp_path: Path, twin: str, runner: Runner, wait: Callable[[], None]
) -> None:
    pair = start_pair("redis 8", tmp_path)
    store = redis_store_at(allow(pair.servers[0], "-info"), twin, runner, replicas=1)

    fill(store)
    wait()
    for operation in [*DURABLE.values(), *DURABLE.values()]:
        operation(store)

    assert store.is_revoked(sid("live"), None)
    assert pair.servers[0].info("commandstats")["cmdstat_wait"]["calls"] >= len(DURABLE)
    store.close()
    pair.stop()


def test_a_user_who_is_no_longer_allowed_to_ask_is_refused(
    alone: ServerSet, twin: str, runner: Runner, wait: Callable[[], None]
) -> None:
    store = redis_store_at(allow(alone.servers[0]), twin, runner)
    fill(store)
    allow(alone.servers[0], "-info")

    wait()
    require_refused(store, "INFO is forbidden")
    allow(alone.servers[0])
    assert store.issue(log_in()) is not None
    store.close()


def test_an_append_only_file_that_is_turned_off_is_not_taken_for_one_that_never_was(
    alone: ServerSet, used: Store, wait: Callable[[], None]
) -> None:
    server = alone.servers[0]
    server.command("CONFIG", "SET", "appendonly", "no")

    wait()
    require_refused(used, "append-only|rejected")
    assert used.rotate(present(sid("other"))).kind is RotationKind.UNKNOWN

    server.command("CONFIG", "SET", "appendonly", "yes")
    assert used.issue(log_in()) is not None


def test_where_there_is_a_wait_for_the_disk_one_that_was_turned_off_is_noticed_at_once(
    alone: ServerSet, used: Store
) -> None:
    if alone.name == "redis 7":
        pytest.skip("it has no WAITAOF")
    alone.servers[0].command("CONFIG", "SET", "appendonly", "no")

    require_refused(used, "append-only|rejected")


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a_server_that_is_told_to_evict_takes_no_more_revocations(
    alone: ServerSet, used: Store, wait: Callable[[], None], policy: str
) -> None:
    """Of one that it acknowledged it might forget the mark, and let the token in again."""
    server = alone.servers[0]
    server.command("CONFIG", "SET", "maxmemory-policy", policy)
    wait()
    assert used.issue(log_in()) is not None, "it has all the memory there is"
    server.command("CONFIG", "SET", "maxmemory", "200mb")

    wait()
    require_refused(used, "noeviction")
    server.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    assert used.issue(log_in()) is not None


def test_a_primary_with_replicas_that_is_told_to_evict_takes_no_more_revocations(
    tmp_path: Path, twin: str, runner: Runner, wait: Callable[[], None]
) -> None:
    pair = start_pair("redis 8", tmp_path)
    store = redis_store_at(pair.url, twin, runner, replicas=1)
    fill(store)
    for name, value in (("maxmemory-policy", "allkeys-lru"), ("maxmemory", "200mb")):
        pair.servers[0].command("CONFIG", "SET", name, value)

    wait()
    require_refused(store, "noeviction")
    store.close()
    pair.stop()


def test_a_server_that_is_emptied_lets_in_no_session_and_is_found_out(
    alone: ServerSet, used: Store, twin: str, runner: Runner
) -> None:
    replica: Any = (Replica if twin == "sync" else AsyncReplica).from_url(alone.url)

    def held() -> object:
        answer = replica.is_revoked(None, sid("token"))
        return runner.run(until_read(answer)) if inspect.iscoroutine(answer) else answer

    eventually(lambda: held() is False and replica.status().is_fresh, "the log is not read")
    used.revoke_token(sid("token"))
    eventually(held, "the revocation is not read")
    alone.servers[0].command("FLUSHALL")
    emptied_at = time.monotonic()

    assert used.is_revoked(sid("live"), None)
    assert used.rotate(present(sid("live"))).kind is RotationKind.UNKNOWN
    eventually(lambda: held() and replica.status().losses, "the loss is not noticed")
    require_short(time.monotonic() - emptied_at, ALARM_S)
    assert used.is_revoked(None, sid("token")) is False, "nobody but the replica knows"
    closing = replica.close()
    if twin == "async":
        runner.run(closing)


async def until_read(answer: Coroutine[Any, Any, bool]) -> bool:
    await asyncio.sleep(0.02)  # in which the replica reads
    return await answer
