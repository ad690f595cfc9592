"""Many callers, one session: one rotation, one successor, and nothing alive after a revoke."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from gatepass.sessions import (
    RevokeKind,
    RotationFact,
    RotationKind,
    RotationPlan,
    Session,
    Store,
    rotate,
)
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from gatepass.stores.sql import AsyncSqlStore, SqlStore, tables
from gatepass.stores.sql.engines import engine_of
from gatepass.stores.sql.rows import COLUMNS, rotation_of, session_of
from tests.stores import crowd
from tests.stores.crowd import CALLERS, Crowd, call
from tests.stores.plans import START, log_in, present
from tests.stores.postgres_backend import empty_url
from tests.stores.twins import Awaited, Runner

ROUNDS = [
    pytest.param(30, id="short"),
    pytest.param(300, id="long", marks=pytest.mark.race),
]
SCENES = ["threads on memory", "tasks on memory"] + [
    f"{callers} on {where}"
    for where in ("sqlite", "postgres")
    for callers in ("threads", "tasks", "processes")
]

_FAIR = {RotationKind.ROTATED, RotationKind.REPLAYED, RotationKind.REVOKED}


@pytest.fixture(params=SCENES)
def scene(
    request: pytest.FixtureRequest, url: str, runner: Runner
) -> Iterator[tuple[Store, Crowd]]:
    """A store, and sixteen who use it at the same moment."""
    callers, _, where = str(request.param).split()
    url = empty_url() if where == "postgres" else url
    if callers == "processes":
        store: Any = SqlStore.from_url(url)
        store.upgrade()
        with crowd.processes(url) as everybody:
            yield store, everybody
    elif callers == "threads":
        store = MemoryStore() if where == "memory" else SqlStore.from_url(url)
        with crowd.threads(store) as everybody:
            yield store, everybody
    else:
        twin = AsyncMemoryStore() if where == "memory" else AsyncSqlStore.from_url(url)
        store = Awaited(twin, runner)
        with crowd.tasks(twin, runner) as everybody:
            yield store, everybody
    store.close()


@pytest.mark.parametrize("rounds", ROUNDS)
def test_one_refresh_token_in_sixteen_hands_has_one_successor(
    scene: tuple[Store, Crowd], rounds: int
) -> None:
    store, everybody = scene
    store.issue(log_in(session_id="a"))

    for generation in range(rounds):
        # the leeway is a minute, so that a slow machine changes nothing
        plan = present("a", generation, leeway=60_000)
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

    for number in range(rounds // 3):
        subject, name = f"subject {number}", f"session {number}"
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

    for number in range(rounds // 3):
        name = f"session {number}"
        store.issue(log_in(f"subject {number}", session_id=name))
        end = call("revoke_session", name, reason="log-out")
        answers = everybody.all_at_once([*[call("rotate", present(name))] * 6, end, end])

        assert sorted(kind.value for kind in answers[-2:]) == ["already", "revoked"]
        assert RevokeKind.REVOKED in answers[-2:]
        assert store.is_revoked(name, None)
        for generation in (0, 1, 2):
            assert store.rotate(present(name, generation)).kind is RotationKind.REVOKED


class NaiveStore:
    """The control: reads, decides and writes without a lock in between, as many do."""

    def __init__(self, url: str) -> None:
        self._engine = engine_of(url)

    def rotate(self, plan: RotationPlan) -> RotationFact:
        with self._engine.connect() as connection:
            session = self._find(connection, plan.session_id)
            fact = rotate(session, plan, int(START * 1000))
            if fact.session is not None:
                values = rotation_of(fact.session)
                row = tables.sessions.c.session_id == values.pop("session_id")
                connection.execute(update(tables.sessions).where(row).values(values))
                connection.commit()
            return fact

    @staticmethod
    def _find(connection: Connection, session_id: str) -> Session:
        columns = [tables.sessions.c[name] for name in COLUMNS]
        query = select(*columns).where(tables.sessions.c.session_id == session_id)
        session = session_of(connection.execute(query).one())
        connection.rollback()
        return session


@pytest.mark.parametrize("where", ["sqlite", "postgres"])
def test_the_race_breaks_a_store_that_reads_and_then_writes(url: str, where: str) -> None:
    url = empty_url() if where == "postgres" else url
    store = SqlStore.from_url(url, clock=lambda: START)
    store.issue(log_in(session_id="a"))
    naive: Any = NaiveStore(url)
    broken_rounds = 0

    with crowd.threads(naive) as everybody:
        for _ in range(10):
            [session] = store.sessions("ada")
            plan = present("a", session.generation, leeway=60_000)
            facts = everybody.all_at_once([call("rotate", plan)] * CALLERS)
            kinds = [fact.kind for fact in facts]
            broken_rounds += kinds.count(RotationKind.ROTATED) > 1

    store.close()
    assert broken_rounds > 0
