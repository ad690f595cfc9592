"""A partition on its way from one member of a Cluster to another: what is asked of it meanwhile."""

import asyncio
import inspect
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.revocations import AsyncReplica, Replica, WhenStale
from gatepass.revocations.staleness import MAX_STALENESS_S
from gatepass.sessions import Bucket, OpaqueKind, RotationKind, Store
from gatepass.stores.redis.wire import Exchange, Pause, Steps
from tests.budget import require_short
from tests.servers.redis_server import eventually
from tests.servers.redis_sets import ServerSet, start_cluster
from tests.servers.reshard import Move
from tests.stores.plans import DAY, log_in, opaque, present, sid
from tests.stores.redis_backends import redis_store_at
from tests.stores.twins import Runner
from tests.stores.watched_steps import watched

pytestmark = pytest.mark.faults

PARTITION = 8
"""Ada's."""
OPAQUE = opaque(sid("live"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerSet]:
    servers = start_cluster("redis 8", tmp_path_factory.mktemp("cluster"))
    yield servers
    servers.stop()


@pytest.fixture
def servers(cluster: ServerSet) -> ServerSet:
    cluster.flush()
    return cluster


@pytest.fixture
def store(servers: ServerSet, twin: str, runner: Runner) -> Iterator[Store]:
    """One that has every kind of key of Ada's."""
    store = redis_store_at(servers.url, twin, runner)
    store.issue(log_in(session_id=sid("before")))
    store.revoke_subject("ada", reason="log-out")
    store.issue(log_in(session_id=sid("live")))
    store.issue(replace(log_in(session_id=sid("other")), actor="support-7"))
    store.issue_opaque(OPAQUE)
    yield store
    store.close()


@pytest.fixture
def move(servers: ServerSet, store: Store) -> Iterator[Move]:  # noqa: ARG001 (filled first)
    """Begun, and finished whatever becomes of the test."""
    move = Move(servers, PARTITION)
    move.begin()
    yield move
    move.finish()


def is_row(key: bytes) -> bool:
    return b":s:" in key and b":x:s:" not in key


def run(store: Any, runner: Runner, steps: Steps[Any]) -> Any:
    twin = getattr(store, "twin", store)
    return runner.run(twin._run(steps)) if twin.is_async else twin._run(steps)


@pytest.mark.parametrize(("who", "names"), [("ada", ("live", "other")), ("support-7", ("other",))])
def test_a_subject_whose_sessions_are_still_to_come_is_not_ended_without_them(
    move: Move, store: Store, who: str, names: tuple[str, ...]
) -> None:
    """The new member has the index, and would find that none of its sessions is there."""
    move.take(lambda key: not is_row(key))

    with pytest.raises(StoreUnavailable):
        store.revoke_subject(who, reason="theft")
    move.finish()

    assert store.revoke_subject(who, reason="theft") == len(names)
    for name in names:
        assert store.is_revoked(sid(name), None)
        assert store.rotate(present(sid(name))).kind is RotationKind.REVOKED


def test_sessions_that_are_still_to_come_are_not_missing(move: Move, store: Store) -> None:
    move.take(lambda key: not is_row(key))

    with pytest.raises(StoreUnavailable):
        store.sessions("ada")
    with pytest.raises(StoreUnavailable):
        store.find_opaque(OPAQUE.opaque_id)
    move.finish()

    assert {one.session_id for one in store.sessions("ada")} == {sid("live"), sid("other")}
    assert store.find_opaque(OPAQUE.opaque_id).kind is OpaqueKind.LIVE


def test_a_session_that_has_gone_ahead_is_not_taken_for_a_broken_one(
    servers: ServerSet, store: Store
) -> None:
    """Its mark, had it one, would end its access tokens alone."""
    move = Move(servers, PARTITION)
    mark = f"gatepass:{{{PARTITION}}}:x:s:{sid('live')}"
    move.source.command("SET", mark, "1")
    move.begin()
    move.take(is_row)

    try:
        with pytest.raises(StoreUnavailable):
            store.revoke_subject("ada", reason="theft")
        assert move.source.command("GET", mark) == b"1"
    finally:
        move.finish()

    assert store.revoke_subject("ada", reason="theft") == 2
    assert store.rotate(present(sid("live"))).kind is RotationKind.REVOKED


def test_limits_that_move_are_neither_missing_nor_full(servers: ServerSet, store: Store) -> None:
    buckets = tuple(Bucket(key=bytes([n] * 16), limit=2, window_ms=DAY) for n in (1, 2))
    assert [store.take(buckets), store.take(buckets)] == [0, 0]
    move = Move(servers, 0)
    move.begin()
    move.take(lambda key: buckets[0].key.hex().encode() in key)
    with pytest.raises(StoreUnavailable):
        store.take(buckets)
    with pytest.raises(StoreUnavailable):
        store.issue(replace(log_in(session_id=sid("new")), give_back=buckets))
    move.finish()

    assert store.is_revoked(sid("new"), None)  # not there
    assert store.take(buckets) > 0
    assert store.issue(replace(log_in(), give_back=buckets)) is not None
    assert store.take(buckets) == 0


def finishing(move: Move, pauses: list[Pause], *, after: int) -> Callable[[Exchange | Pause], None]:
    """What notes the pauses of an operation, and ends the move in one of them."""

    def finish_late(step: Exchange | Pause) -> None:
        if isinstance(step, Pause):
            pauses.append(step)
            if len(pauses) == after:
                move.finish()

    return finish_late


@pytest.mark.parametrize("what", ["revoke_subject", "revoke_session", "is_revoked"])
def test_a_move_that_ends_within_the_time_limit_is_waited_for(
    move: Move, store: Any, runner: Runner, what: str
) -> None:
    move.take(is_row)
    pauses: list[Pause] = []
    finish_late = finishing(move, pauses, after=6)
    steps = {
        "revoke_subject": store.work.revoke_subject(
            "ada", reason="theft", keep=None, keep_keys=False
        ),
        "revoke_session": store.work.revoke_session(sid("live"), reason="theft", sec_hash=None),
        "is_revoked": store.work.is_revoked(sid("live"), None),
    }
    run(store, runner, watched(steps[what], finish_late))

    assert len(pauses) == 6
    assert store.is_revoked(sid("live"), None) is (what != "is_revoked")


def test_a_partition_that_has_moved_is_followed_once(
    move: Move, store: Any, runner: Runner
) -> None:
    move.take(is_row)
    move.finish()
    sent: list[Exchange | Pause] = []
    after = []
    for _ in range(3):
        run(store, runner, watched(store.work.is_revoked(sid("live"), None), sent.append))
        after.append(len(sent))
    assert after[0] in {2, 3}  # a member that has not met the script is told it once
    assert after == [after[0], after[0] + 1, after[0] + 2]


def scans(step: Exchange | Pause, port: int) -> bool:
    return (
        isinstance(step, Exchange)
        and step.address[1] == port
        and any(command[0] == "SCAN" for command in step.commands)
    )


def move_to_the_first(servers: ServerSet, store: Any, runner: Runner) -> Move:
    """From the member that everybody's end comes to last to the one that it comes to first."""
    primaries = run(store, runner, store.work.attempts.routes.find_all(float("inf")))
    (_, port), *_ = primaries
    target = next(one for one in servers.primaries() if one.port == port)
    return Move(servers, list(primaries.values())[-1][0], target)


@pytest.mark.parametrize("begins", ["before", "meanwhile"])
def test_everybodys_end_misses_no_session_that_moves_behind_its_back(
    servers: ServerSet, store: Any, runner: Runner, begins: str
) -> None:
    """It goes to a member that was gone through, from one that is about to be."""
    move = move_to_the_first(servers, store, runner)
    names = [f"user {number}" for number in range(100)]
    plans = [log_in(name) for name in names]
    for plan in plans:
        store.issue(plan)
        store.revoke_token(plan.session_id[:2] + "token")
    if begins == "before":
        move.begin()
    moved: list[bytes] = []

    def move_rows(step: Exchange | Pause) -> None:
        if scans(step, move.source.port) and not moved:
            if begins == "meanwhile":
                move.begin()
            moved.extend(move.take(is_row))

    def revoke_all() -> int:
        ended: int = run(store, runner, watched(store.work.revoke_all(reason="theft"), move_rows))
        return ended

    try:
        with pytest.raises(StoreUnavailable):
            revoke_all()
    finally:
        move.finish()

    store.revoke_all(reason="theft")
    assert all(store.is_revoked(plan.session_id, None) for plan in plans)
    assert all(store.sessions(name) == [] for name in names)


def test_everybodys_end_waits_for_a_move_that_ends_within_the_time_limit(
    move: Move, store: Any, runner: Runner
) -> None:
    move.take(is_row)
    pauses: list[Pause] = []
    finish_late = finishing(move, pauses, after=10)
    assert run(store, runner, watched(store.work.revoke_all(reason="theft"), finish_late)) == 2
    assert len(pauses) >= 10
    assert store.is_revoked(sid("live"), None)


def test_a_replica_goes_on_with_a_log_that_has_moved(
    servers: ServerSet, store: Store, twin: str, runner: Runner
) -> None:
    """Nothing that was taken in meanwhile is missed, and nothing is called lost."""
    replica: Any = (Replica if twin == "sync" else AsyncReplica).from_url(
        servers.url, when_stale=WhenStale.DENY
    )

    def ask(name: str, *arguments: Any) -> Any:
        answer = getattr(replica, name)(*arguments)
        return runner.run(answer) if inspect.iscoroutine(answer) else answer

    def fresh() -> bool:
        if twin == "async":
            runner.run(asyncio.sleep(0.05))
        return bool(ask("fresh"))

    eventually(fresh, "the log is not read")
    move = Move(servers, PARTITION)
    store.revoke_token(sid("before"))
    move.begin()
    move.take(lambda key: not is_row(key))
    store.revoke_token(sid("before"))  # marked already: all that is asked for is there
    move.finish()
    store.revoke_token(sid("after"))
    revoked_at = time.monotonic()

    def is_known() -> bool:
        try:
            return fresh() and bool(ask("is_revoked", None, sid("after")))
        except StoreUnavailable:
            return False

    eventually(is_known, "the log is not read where it is now")
    require_short(time.monotonic() - revoked_at, MAX_STALENESS_S + 1)
    assert ask("is_revoked", None, sid("before"))
    assert not ask("is_revoked", None, sid("another"))
    assert replica.status().losses == 0
    ask("close")
