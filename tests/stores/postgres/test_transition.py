"""PostgreSQL's transition beside the pure one: the same fact, the same row, for any of both."""

from collections import Counter
from functools import cache
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gatepass.sessions import RotationKind, RotationPlan, Session, rotate
from gatepass.stores.sql import SqlStore
from gatepass.stores.sql.rows import COLUMNS
from tests.budget import TIMES
from tests.stores.plans import SEC_HASH, Clock
from tests.stores.postgres_backend import empty_url

NOW = 1_000_000
times = st.integers(NOW - 40, NOW + 40)
ends = st.sampled_from([NOW - 1, NOW, NOW + 1, NOW + 9, NOW + 30, NOW + 500, NOW + 900])
generations = st.integers(0, 90)
reached: Counter[RotationKind] = Counter()


@cache
def world() -> tuple[SqlStore, SqlStore, Clock, psycopg.Connection[Any]]:
    """A store that knows how long tokens live and one that does not, their clock, and a row."""
    url, clock = empty_url(), Clock(NOW / 1000)
    knowing, asking = (SqlStore.from_url(url, clock=clock) for _ in range(2))
    return knowing, asking, clock, psycopg.connect(url, autocommit=True)


@pytest.fixture(scope="module", autouse=True)
def closed() -> Any:
    world.cache_clear()
    yield
    knowing, asking, _, connection = world()
    knowing.close()
    asking.close()
    connection.close()


sessions = st.builds(
    Session,
    session_id=st.just("a"),
    subject=st.just("ada"),
    client_id=st.just("app"),
    device=st.none() | st.just("Firefox"),
    auth_time=st.just(1),
    generation=st.integers(60, 90),
    born_ms=times,
    created_ms=times,
    last_used_ms=times,
    idle_ends_ms=ends,
    ends_ms=ends,
    revoked_ms=st.sampled_from([None] * 9 + [NOW]),
    reason=st.none(),
    claims_json=st.just(b'{"role":"user"}'),
    sec_hash=st.sampled_from([SEC_HASH] * 4 + [SEC_HASH[::-1]]),
    recent=st.lists(st.tuples(st.integers(55, 62), times), max_size=8).map(tuple),
)
plans = st.builds(
    RotationPlan,
    session_id=st.just("a"),
    generation=generations | st.just(2**70),
    sec_hash=st.just(SEC_HASH),
    claims_json=st.none() | st.just(b'{"role":"admin"}'),
    leeway_ms=st.sampled_from([0, 1, 20, 60]),
    refresh_lifetime_ms=st.integers(1, 60),
    access_lifetime_ms=st.just(5),
)


@settings(max_examples=400 * TIMES)
@given(
    session=sessions,
    plan=plans,
    near=st.sampled_from([None, "recent", -2, -1, 0, 0, 0, 1, 64, 65]),
    knows=st.booleans(),
)
def test_the_statements_decide_and_write_what_the_pure_function_does(
    session: Session, plan: RotationPlan, near: int | str | None, *, knows: bool
) -> None:
    knowing, asking, clock, connection = world()
    if isinstance(near, int):
        plan = replace(plan, generation=max(session.generation + near, 0))
    elif near == "recent" and session.recent:
        plan = replace(plan, generation=session.recent[-1][0])
    for store, lifetime_ms in ((knowing, 5), (asking, 0)):
        work: Any = store._work
        work._known_access_ms = lifetime_ms
    insert(connection, session)

    fact = (knowing if knows else asking).rotate(plan)

    expected = rotate(session, plan, clock.ms)
    assert fact == expected
    after = session if expected.session is None else expected.session
    assert row_of(connection) == after
    reached[fact.kind] += 1


def test_every_fact_was_met() -> None:
    if not reached:
        pytest.skip("the comparison did not run")

    assert set(reached) == set(RotationKind)


def insert(connection: psycopg.Connection[Any], session: Session) -> None:
    values = [getattr(session, name) for name in COLUMNS]
    values[-1] = msgspec.json.encode(session.recent)
    places = ", ".join(["%s"] * len(COLUMNS))
    connection.execute("DELETE FROM gatepass_sessions")
    connection.execute("DELETE FROM gatepass_revocations")
    insertion = f"INSERT INTO gatepass_sessions ({', '.join(COLUMNS)}) VALUES ({places})"  # noqa: S608
    connection.execute(insertion.encode(), values)


def row_of(connection: psycopg.Connection[Any]) -> Session:
    row = connection.execute(
        f"SELECT {', '.join(COLUMNS)} FROM gatepass_sessions".encode()  # noqa: S608
    ).fetchone()
    assert row is not None
    recent = tuple(tuple(pair) for pair in msgspec.json.decode(row[-1]))
    return Session(**dict(zip(COLUMNS, (*row[:-1], recent), strict=True)))
