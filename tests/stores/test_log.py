"""What the revocation log holds after each operation, for those who read it elsewhere."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gatepass.sessions import RotationKind, Store
from gatepass.sessions.session import PARTITIONS
from tests.servers.postgres import shared_server
from tests.servers.redis_sets import running
from tests.stores.conftest import store_on
from tests.stores.plans import LEEWAY, SECOND, Clock, log_in, present, sid
from tests.stores.postgres_backend import DATABASE
from tests.stores.twins import Runner

Entry = tuple[str, str, int]
Log = Callable[[], list[Entry]]
ROWS = "SELECT kind, id, at_ms FROM gatepass_revocations ORDER BY seq"


@pytest.fixture(params=["sqlite", "postgres", "redis 7", "redis 8", "valkey"])
def where(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(where: str, twin: str, runner: Runner, url: str, clock: Clock) -> Iterator[Store]:
    with closing(store_on(where, twin, runner, url, clock)) as store:
        yield store


@pytest.fixture
def log(where: str, path: Path) -> Log:
    """Kind, id and moment of each entry, in order; in Redis one partition after another."""

    def of_sqlite() -> list[Entry]:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute(ROWS).fetchall()

    def of_redis() -> list[Entry]:
        client = running(where).servers[0].client()
        logs: Any = [client.xrange(f"gatepass:{{{number}}}:log") for number in range(PARTITIONS)]
        return [
            (kind.decode(), identifier.decode(), int(place.split(b"-")[0]))
            for number, entries in enumerate(logs)
            for place, fields in entries
            for kind, identifier in fields.items()
            if int(identifier[:2], 16) % PARTITIONS == number  # each in its own
        ]

    if where == "postgres":
        return lambda: shared_server().run(ROWS, database=DATABASE)
    return of_sqlite if where == "sqlite" else of_redis


def test_every_revocation_is_logged_once(store: Store, log: Log, clock: Clock) -> None:
    start = clock.ms
    for name in ("a", "b", "c"):
        store.issue(log_in(session_id=sid(name)))
    for _ in range(2):
        store.revoke_session(sid("b"), reason="log-out")
        store.revoke_token(sid("token"))
        store.revoke_session(sid("missing"), reason="log-out")
        clock.forward(SECOND)
    store.revoke_subject("ada", reason="log-out")

    found = log()
    assert found[:3] == [
        ("s", sid("b"), start),
        ("t", sid("token"), start),
        ("s", sid("missing"), start),
    ]
    assert sorted(found[3:]) == [("s", sid("a"), clock.ms), ("s", sid("c"), clock.ms)]


def test_reuse_and_sessions_over_the_limit_are_logged(store: Store, log: Log, clock: Clock) -> None:
    for name in ("a", "b", "c"):
        store.issue(log_in(session_id=sid(name), max_sessions=2))
        clock.forward(SECOND)
    store.rotate(present(sid("b")))
    clock.forward(LEEWAY + 1)

    assert store.rotate(present(sid("b"))).kind is RotationKind.REUSED
    assert [identifier for _, identifier, _ in log()] == [sid("a"), sid("b")]
    assert log()[1] == ("s", sid("b"), clock.ms)


def test_everybodys_sessions_are_logged(store: Store, log: Log) -> None:
    plans = [log_in(f"subject {number}") for number in range(60)]
    for plan in plans:
        store.issue(plan)
    store.revoke_all(reason="restore")

    assert sorted(each for _, each, _ in log()) == sorted(plan.session_id for plan in plans)


def test_rotations_leave_the_log_alone(store: Store, log: Log) -> None:
    store.issue(log_in(session_id=sid("a")))
    for generation in (0, 1, 0, 5):
        store.rotate(present(sid("a"), generation))

    assert log() == []
