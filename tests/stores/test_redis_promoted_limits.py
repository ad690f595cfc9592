"""Limits after a replica was promoted: counts may be lost, and none is told that is not there."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.sessions import Bucket, Store
from tests.budget import LONG, PATIENCE_S, require_short
from tests.servers.redis_server import Server, eventually
from tests.servers.redis_sets import ServerSet, start_cluster, start_sentinel
from tests.stores.outcomes import LIMIT_S
from tests.stores.plans import DAY
from tests.stores.redis_backends import redis_store_at
from tests.stores.test_limits import passes
from tests.stores.twins import Runner

pytestmark = pytest.mark.chaos

FULL, LOST, NEW = (
    Bucket(key=name.ljust(16), limit=40, window_ms=DAY, cost=1)
    for name in (b"full", b"lost", b"new")
)


def sentinel(folder: Path) -> ServerSet:
    return start_sentinel("redis 8", folder, down_after_ms=1_000, delay_s=0.02)


def cluster(folder: Path) -> ServerSet:
    return start_cluster("redis 8", folder, 1_500)


def holder(servers: ServerSet, bucket: Bucket) -> Server:
    """The primary that counts this."""
    key = f"gatepass:{{0}}:l:{bucket.key.hex()}"
    client = servers.holder(key)
    return next(one for one in servers.primaries() if one.client() is client)


def until_replicated(primary: Server) -> None:
    """Wait until its replica has what it has now."""
    told = primary.info("replication")["master_repl_offset"]
    eventually(
        lambda: primary.info("replication")["slave0"]["offset"] >= told, "a replica is behind"
    )


def has_promoted(servers: ServerSet, dead: Server) -> bool:
    """Whether there are as many primaries as before, and clients are told so."""
    alive = [one for one in servers.servers if one is not dead]
    roles = [one.info("replication")["role"] for one in alive]
    told = [
        int(one.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")[1])
        for one in servers.sentinels
    ]
    known = {dead.port, servers.proxy.port} if servers.proxy else {dead.port}
    return roles.count("master") == len(servers.servers) // 2 and not known & {*told}


def take(store: Store, bucket: Bucket) -> bool | None:
    """Whether an attempt was counted; `None`: the store does not know."""
    begun = time.monotonic()
    try:
        return store.take([bucket]) == 0
    except StoreUnavailable:
        return None
    finally:
        require_short(time.monotonic() - begun, LIMIT_S)


@pytest.mark.parametrize("start", [sentinel, cluster])
def test_limits_of_a_promoted_replica_hold(
    start: Callable[[Path], ServerSet], twin: str, runner: Runner, tmp_path: Path
) -> None:
    servers = start(tmp_path)
    store = redis_store_at(servers.url, twin, runner)
    try:
        assert passes(store, FULL) == FULL.limit
        primary = holder(servers, FULL)
        until_replicated(primary)
        if servers.proxy is not None:
            servers.proxy.delay_s = PATIENCE_S  # nothing of this reaches the replica
            assert passes(store, LOST) == LOST.limit
            servers.proxy.cut()
        primary.kill()

        answers = [take(store, NEW)]
        eventually(partial(has_promoted, servers, primary), "nobody takes over")
        answers.append(take(store, NEW))
        assert not LONG or answers[-1], "not within the time of one operation"
        while answers[-1] is None:
            answers.append(take(store, NEW))
        counted = answers.count(True)
        left = passes(store, NEW)

        assert counted > 0
        assert counted + left <= NEW.limit
        assert left >= NEW.limit - len(answers)
        assert store.take([FULL]) > 0
        assert passes(store, LOST) == LOST.limit
        assert store.take([LOST]) > 0
    finally:
        store.close()
        servers.stop()
