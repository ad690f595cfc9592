"""Many callers, one session: one rotation, one successor, and nothing alive after a revoke."""

from collections.abc import Iterator
from itertools import cycle, islice, permutations
from typing import Any

import pytest
import redis

from gatepass.sessions import (
    AsyncStore,
    Bucket,
    OpaqueKind,
    RevokeKind,
    RotationFact,
    RotationKind,
    RotationPlan,
    Store,
    partition_of,
    rotate,
)
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from gatepass.stores.redis import AsyncRedisStore, RedisStore
from gatepass.stores.redis.layout import session_of as session_of_hash
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from tests.budget import PATIENCE_S, TIMES
from tests.manager.model import forget_in_redis
from tests.servers.redis_sets import running
from tests.stores import crowd
from tests.stores.crowd import CALLERS, Crowd, call, store_at
from tests.stores.naive import NaiveStore
from tests.stores.plans import DAY, START, log_in, opaque, present, sid
from tests.stores.postgres_backend import empty_url
from tests.stores.twins import Awaited, Runner

ROUNDS = [
    pytest.param(10, id="short"),
    pytest.param(60 * TIMES, id="long", marks=pytest.mark.races),
]
REDIS = ("redis 8", "valkey", "cluster")
SCENES = ["threads on memory", "tasks on memory"] + [
    f"{callers} on {where}"
    for where in ("sqlite", "postgres", *REDIS)
    for callers in ("threads", "tasks", "processes")
]
_COSTLY = {f"processes on {where}" for where in ("postgres", *REDIS)}
"""Sixteen processes take a second to start; those on one file differ most from threads."""

_FAIR = {RotationKind.ROTATED, RotationKind.REPLAYED, RotationKind.REVOKED}


@pytest.fixture(
    params=[pytest.param(one, marks=pytest.mark.races if one in _COSTLY else ()) for one in SCENES]
)
def scene(
    request: pytest.FixtureRequest, url: str, runner: Runner
) -> Iterator[tuple[Store, Crowd]]:
    """A store, and sixteen who use it at the same moment."""
    callers, _, where = str(request.param).split(" ", 2)
    if where == "postgres":
        url = empty_url()
    elif where in REDIS:
        servers = running(where)
        servers.flush()
        url = servers.url
    if callers == "processes":
        store: Any = store_at(url)
        if isinstance(store, SqlStore):
            store.upgrade()
        with crowd.processes(url) as everybody:
            yield store, everybody
    elif callers == "threads":
        store = MemoryStore() if where == "memory" else store_at(url)
        with crowd.threads(store) as everybody:
            yield store, everybody
    else:
        twin: AsyncStore = AsyncMemoryStore()
        if where != "memory":
            twin = (
                AsyncRedisStore.from_url(url, timeout=PATIENCE_S)
                if where in REDIS
                else AsyncSqlStore.from_url(url)
            )
        store = Awaited(twin, runner)
        with crowd.tasks(twin, runner) as everybody:
            yield store, everybody
    store.close()


@pytest.mark.parametrize("rounds", ROUNDS)
def test_one_refresh_token_in_sixteen_hands_has_one_successor(
    scene: tuple[Store, Crowd], rounds: int
) -> None:
    store, everybody = scene
    store.issue(log_in(session_id=sid("a")))

    for generation in range(rounds):
        # the leeway is a minute, so that a slow machine changes nothing
        plan = present(sid("a"), generation, leeway=60_000)
        facts = everybody.all_at_once([call("rotate", plan)] * CALLERS)

        kinds = [fact.kind for fact in facts]
        assert kinds.count(RotationKind.ROTATED) == 1
        assert kinds.count(RotationKind.REPLAYED) == CALLERS - 1
        assert len({(fact.session.generation, fact.session.born_ms) for fact in facts}) == 1
        assert facts[0].session.generation == generation + 1


@pytest.mark.parametrize("rounds", ROUNDS)
def test_nothing_is_alive_once_a_racing_revocation_was_acknowledged(
    scene: tuple[Store, Crowd], rounds: int
) -> None:
    store, everybody = scene

    for number in range(rounds):
        subject = f"subject {number}"
        name = sid(f"session {number}", subject)
        store.issue(log_in(subject, session_id=name))
        epoch = store.subject_epoch(subject)
        late = [log_in(subject, epoch=epoch) for _ in range(6)]
        refreshes = [call("rotate", present(name)) for _ in range(8)]
        log_ins = [call("issue", plan) for plan in late]
        if number % 2:
            ends = [
                call("revoke_session", name, reason="log-out"),
                call("revoke_subject", subject, reason="log-out"),
            ]
        else:
            ends = [call("revoke_subject", subject, reason="log-out")]
        order = [*log_ins[:3], *refreshes[:4], *ends, *refreshes[4:], *log_ins[3:]]
        answers = everybody.all_at_once(order)

        assert store.sessions(subject) == []
        assert store.is_revoked(name, None)
        assert all(store.is_revoked(plan.session_id, None) for plan in late)
        assert store.rotate(present(name, 1)).kind is RotationKind.REVOKED
        kinds = [answer.kind for answer in answers if isinstance(answer, RotationFact)]
        assert len(kinds) == len(refreshes)
        assert set(kinds) <= _FAIR


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_racing_log_out_of_one_session_is_final(scene: tuple[Store, Crowd], rounds: int) -> None:
    store, everybody = scene

    for number in range(rounds):
        name = sid(f"session {number}", f"subject {number}")
        store.issue(log_in(f"subject {number}", session_id=name))
        end = call("revoke_session", name, reason="log-out")
        answers = everybody.all_at_once([*[call("rotate", present(name))] * 6, end, end])

        assert sorted(kind.value for kind in answers[-2:]) == ["already", "revoked"]
        assert RevokeKind.REVOKED in answers[-2:]
        assert store.is_revoked(name, None)
        for generation in (0, 1, 2):
            assert store.rotate(present(name, generation)).kind is RotationKind.REVOKED


@pytest.mark.parametrize("rounds", ROUNDS)
def test_no_opaque_token_is_live_once_a_racing_revocation_was_acknowledged(
    scene: tuple[Store, Crowd], rounds: int
) -> None:
    store, everybody = scene

    for number in range(rounds):
        subject = f"subject {number}"
        name = sid(f"session {number}", subject)
        store.issue(log_in(subject, session_id=name))
        plans = [opaque(name, subject) for _ in range(8)]
        issues = [call("issue_opaque", plan) for plan in plans]
        finds = [call("find_opaque", plan.opaque_id) for plan in plans[:4]]
        end = call("revoke_session", name, reason="log-out")
        everybody.all_at_once([*issues[:4], end, *finds, *issues[4:]])

        for plan in plans:
            assert store.find_opaque(plan.opaque_id).kind is not OpaqueKind.LIVE
        assert store.issue_opaque(opaque(name, subject)) is None


@pytest.mark.parametrize("where", ["sqlite", "postgres"])
def test_the_race_breaks_a_store_that_reads_and_then_writes(url: str, where: str) -> None:
    url = empty_url() if where == "postgres" else url
    store = SqlStore.from_url(url, clock=lambda: START)
    store.issue(log_in(session_id=sid("a")))
    naive: Any = NaiveStore(url)
    broken_rounds = 0

    with crowd.threads(naive) as everybody:
        for _ in range(10):
            [session] = store.sessions("ada")
            plan = present(sid("a"), session.generation, leeway=60_000)
            facts = everybody.all_at_once([call("rotate", plan)] * CALLERS)
            kinds = [fact.kind for fact in facts]
            broken_rounds += kinds.count(RotationKind.ROTATED) > 1

    store.close()
    assert broken_rounds > 0


class NaiveRedisStore:
    """The same control on Redis: `HGETALL`, decide, `HSET`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._write = forget_in_redis(client)

    def rotate(self, plan: RotationPlan) -> RotationFact:
        key = f"gatepass:{{{partition_of(plan.session_id)}}}:s:{plan.session_id}"
        row: Any = self._client.hgetall(key)
        session = session_of_hash(plan.session_id, [each for pair in row.items() for each in pair])
        fact = rotate(session, plan, int(START * 1000))
        if fact.session is not None:
            self._write(fact.session)
        return fact


@pytest.mark.parametrize("kind", ["redis 8", "valkey"])
def test_the_race_breaks_a_redis_store_that_reads_and_then_writes(kind: str) -> None:
    servers = running(kind)
    servers.flush()
    store = RedisStore.from_url(servers.url, clock=lambda: START)
    store.issue(log_in(session_id=sid("a")))
    client = redis.Redis(port=servers.servers[0].port)
    naive: Any = NaiveRedisStore(client)
    broken_rounds = 0

    with crowd.threads(naive) as everybody:
        for _ in range(10):
            [session] = store.sessions("ada")
            plan = present(sid("a"), session.generation, leeway=60_000)
            facts = everybody.all_at_once([call("rotate", plan)] * CALLERS)
            kinds = [fact.kind for fact in facts]
            broken_rounds += kinds.count(RotationKind.ROTATED) > 1

    store.close()
    client.close()
    assert broken_rounds > 0


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_limit_of_sessions_holds_for_sixteen_log_ins_at_once(
    scene: tuple[Store, Crowd], rounds: int
) -> None:
    store, everybody = scene

    for number in range(rounds // 10):
        subject = f"subject {number}"
        plans = [log_in(subject, max_sessions=3) for _ in range(CALLERS)]
        issued = everybody.all_at_once([call("issue", plan) for plan in plans])

        assert None not in issued
        alive = {session.session_id for session in store.sessions(subject)}
        assert len(alive) == 3
        for plan in plans:
            assert store.is_revoked(plan.session_id, None) == (plan.session_id not in alive)


def shared_buckets(number: int) -> list[Bucket]:
    """Three buckets of this round; one of them lets five pass."""
    limits = {"a": 9, "b": 5, "c": 7}
    return [
        Bucket(key=f"{name} {number}".encode().ljust(16), limit=limit, window_ms=DAY)
        for name, limit in limits.items()
    ]


@pytest.mark.parametrize("rounds", ROUNDS)
def test_sixteen_attempts_at_once_pass_as_often_as_the_tightest_bucket_lets_them(
    scene: tuple[Store, Crowd], rounds: int
) -> None:
    store, everybody = scene

    for number in range(rounds // 5):
        orders = cycle(permutations(shared_buckets(number)))
        attempts = [call("take", order) for order in islice(orders, CALLERS)]
        waits = everybody.all_at_once(attempts)

        assert waits.count(0) == 5
        assert all(0 <= wait <= DAY for wait in waits)
        a, b, c = shared_buckets(number)
        assert [store.take([a]), store.take([c])] == [0, 0]
        everybody.all_at_once([call("give_back", [b]), call("give_back", [b, c])] * 2)
        assert everybody.all_at_once([call("take", [b])] * CALLERS).count(0) == 4
        assert everybody.all_at_once([call("take", [c])] * CALLERS).count(0) == 3
