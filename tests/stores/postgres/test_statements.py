"""What PostgreSQL is asked, counted by its own log, and what it writes for it."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import psycopg
import pytest

from gatepass.sessions import Bucket, RotationKind, Store
from gatepass.stores.sql.postgres.work import PostgresWork
from tests.budget import PATIENCE_S, TIMES
from tests.servers.postgres import shared_server
from tests.stores.plans import LEEWAY, SEC_HASH, Clock, key, log_in, opaque, present
from tests.stores.postgres_backend import DATABASE, database_url, empty_url
from tests.stores.twins import Runner, sql_store

LOGGED = re.compile(r"^counted\|LOG:  (?:execute [^:]*|statement): (.*)$", re.MULTILINE)


@pytest.fixture
def connection() -> Iterator[psycopg.Connection[Any]]:
    database_url()  # makes the database; a store may have filled it
    connection = shared_server().connect(DATABASE)
    yield connection
    connection.close()


@pytest.fixture
def store(twin: str, runner: Runner, clock: Clock) -> Iterator[Store]:
    """A store whose every statement is logged, after it used each of its statements once."""
    url = empty_url()
    url += "?application_name=counted&options=-clog_statement%3Dall"
    store = sql_store(twin, runner, url, clock)
    store.issue(log_in(session_id="a"))
    store.rotate(present("a", 0))
    store.issue_opaque(FIRST)
    store.take([BUCKET])
    store.issue(replace(log_in(), give_back=(BUCKET,)))
    store.give_back([BUCKET])
    yield store
    store.close()


FIRST = opaque("a")
BUCKET = Bucket(key=bytes(16), limit=10, window_ms=60_000)


def statements(operation: Callable[[], object]) -> list[str]:
    """What the server executed for an operation; each is a round trip."""
    log = shared_server().log
    before = log.stat().st_size
    operation()
    marker = f"SELECT {time.monotonic_ns()}"
    url = shared_server().url_of(DATABASE, application_name="counted")
    with psycopg.connect(f"{url}&options=-clog_statement%3Dall", autocommit=True) as marking:
        marking.execute(marker.encode())
    until = time.monotonic() + PATIENCE_S
    while marker not in (text := log.read_bytes()[before:].decode()):
        assert time.monotonic() < until
        time.sleep(0.005)
    found = [statement for statement in LOGGED.findall(text) if statement != marker]
    return [found for found in found if "set_config" not in found and "alembic" not in found]


ROUND_TRIPS: list[tuple[int, str, Callable[[Store], object]]] = [
    (1, "issue", lambda store: store.issue(log_in(session_id="b"))),
    (1, "rotate", lambda store: store.rotate(present("a", 1))),
    (1, "verify", lambda store: store.is_revoked("a", "token")),
    (1, "take", lambda store: store.take([BUCKET])),
    (1, "issue and give back", lambda store: store.issue(replace(log_in(), give_back=(BUCKET,)))),
    (1, "give back", lambda store: store.give_back([BUCKET])),
    (1, "issue an opaque token", lambda store: store.issue_opaque(opaque("a"))),
    (1, "issue a key", lambda store: store.issue(key(session_id="c"))),
    (1, "note the use of a key", lambda store: store.note_use("c")),
    (1, "find an opaque token", lambda store: store.find_opaque(FIRST.opaque_id)),
    (1, "epoch", lambda store: store.subject_epoch("ada")),
    (1, "sessions", lambda store: store.sessions("ada")),
    (1, "revoke a session", lambda store: store.revoke_session("b", reason="log-out")),
    (1, "revoke a token", lambda store: store.revoke_token("token")),
    (2, "replay", lambda store: store.rotate(present("a", 0))),
    (2, "ahead", lambda store: store.rotate(present("a", 4))),
    (2, "a wrong secret", lambda store: store.rotate(present("a", 1, sec_hash=SEC_HASH[::-1]))),
    (2, "unknown", lambda store: store.rotate(present("nobody"))),
    (2, "reuse", lambda store: store.rotate(present("a", 0, leeway=0))),
    (1, "issue over the limit", lambda store: store.issue(log_in(max_sessions=1, epoch=0))),
    (2, "revoke a subject", lambda store: store.revoke_subject("ada", reason="log-out")),
]


def test_round_trips(store: Store) -> None:
    for trips, what, operation in ROUND_TRIPS:
        asked = statements(lambda: operation(store))  # noqa: B023
        assert len(asked) == trips, (what, asked)


def test_rotations_touch_no_index(store: Store, connection: psycopg.Connection[Any]) -> None:
    connection.execute("SELECT pg_stat_reset_single_table_counters('gatepass_sessions'::regclass)")
    for generation in range(1, 301):
        assert store.rotate(present("a", generation)).kind is RotationKind.ROTATED

    store.close()  # a connection tells its counts when it ends, at the latest
    until = time.monotonic() + PATIENCE_S
    counted: Any = (0, 0)
    while counted[0] < 300:
        assert time.monotonic() < until
        counted = connection.execute(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables"
            " WHERE relname = 'gatepass_sessions'"
        ).fetchone()
    assert counted[1] >= 0.9 * counted[0]


@pytest.mark.parametrize("times", [500, pytest.param(10_000 * TIMES, marks=pytest.mark.races)])
def test_a_session_takes_no_more_room_however_often_it_is_rotated(
    store: Store, clock: Clock, connection: psycopg.Connection[Any], times: int
) -> None:
    def room() -> int:
        found = connection.execute(
            "SELECT pg_column_size(s.*) FROM gatepass_sessions s WHERE session_id = 'a'"
        ).fetchone()
        assert found is not None
        return int(found[0])

    def pages() -> int:
        found = connection.execute("SELECT pg_relation_size('gatepass_sessions') / 8192").fetchone()
        assert found is not None
        return int(found[0])

    sizes, at_first = [], pages()
    for first, last in ((1, 10), (10, times)):
        for generation in range(first, last):
            store.rotate(present("a", generation))
            clock.forward(LEEWAY // 20)
        sizes.append(room())

    assert sizes[1] <= sizes[0] + 8 * 5  # more digits in each of eight generations
    assert pages() < at_first + 100  # rotations prune what the ones before left behind


@pytest.mark.parametrize("lowered", ["off", "local", "remote_write"])
def test_what_is_acknowledged_is_durable_even_where_the_database_is_not(
    twin: str, runner: Runner, clock: Clock, lowered: str, connection: psycopg.Connection[Any]
) -> None:
    connection.execute(f"ALTER DATABASE {DATABASE} SET synchronous_commit = {lowered}")
    try:
        store = sql_store(twin, runner, empty_url(), clock)
        for name in ("a", "b"):
            store.issue(log_in(session_id=name))
        seen = {
            "issue": _setting_during(connection, lambda: store.issue(log_in())),
            "give back": _setting_during(
                connection, lambda: store.issue(replace(log_in(), give_back=(BUCKET,)))
            ),
            "rotate": _setting_during(connection, lambda: store.rotate(present("a", 0))),
            "reuse": _setting_during(connection, lambda: store.rotate(present("a", 0, leeway=0))),
            "session": _setting_during(
                connection, lambda: store.revoke_session("b", reason="log-out")
            ),
            "token": _setting_during(connection, lambda: store.revoke_token("token")),
            "subject": _setting_during(
                connection, lambda: store.revoke_subject("ada", reason="log-out")
            ),
            "all": _setting_during(connection, lambda: store.revoke_all(reason="restore")),
            "longer tokens": _setting_during(
                connection, lambda: store.rotate(present("a", 1, access_life=10**9))
            ),
        }
        store.close()
    finally:
        connection.execute(f"ALTER DATABASE {DATABASE} RESET synchronous_commit")

    assert seen.pop("rotate") == {lowered}
    for settings in seen.values():
        assert "on" in settings


def test_counts_of_limits_wait_for_no_disk(
    store: Store, connection: psycopg.Connection[Any]
) -> None:
    assert _setting_during(connection, lambda: store.take([BUCKET])) == {"off"}
    assert _setting_during(connection, lambda: store.give_back([BUCKET])) == {"off"}


def test_a_stronger_setting_is_not_lowered(
    twin: str, runner: Runner, clock: Clock, connection: psycopg.Connection[Any]
) -> None:
    connection.execute(f"ALTER DATABASE {DATABASE} SET synchronous_commit = remote_apply")
    try:
        store = sql_store(twin, runner, empty_url(), clock)
        store.take([BUCKET])
        plan = replace(log_in(), give_back=(BUCKET,))
        seen = _setting_during(connection, lambda: store.issue(plan))
        store.close()
    finally:
        connection.execute(f"ALTER DATABASE {DATABASE} RESET synchronous_commit")

    assert seen == {"remote_apply"}


_SPY = """
CREATE TABLE spied (setting text);
CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO spied VALUES (current_setting('synchronous_commit'));
  RETURN NULL;
END $$;
"""


def _setting_during(
    connection: psycopg.Connection[Any], operation: Callable[[], object]
) -> set[str]:
    """What `synchronous_commit` is at the end of the transactions of an operation."""
    watched = ("sessions", "revocations", "meta", "limits")
    connection.execute(_SPY)
    for table in watched:
        connection.execute(
            f"CREATE CONSTRAINT TRIGGER spy AFTER INSERT OR UPDATE ON gatepass_{table}"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION spy()"
        )
    try:
        operation()
        return {setting for (setting,) in connection.execute("SELECT setting FROM spied")}
    finally:
        for table in watched:
            connection.execute(f"DROP TRIGGER spy ON gatepass_{table}")
        connection.execute("DROP FUNCTION spy")
        connection.execute("DROP TABLE spied")


def test_the_values_of_a_request_are_in_no_repr() -> None:
    [request] = islice(PostgresWork(None, None).issue(log_in(claims=b'{"name":"Ada L"}')), 1)

    assert b"Ada L" in b"".join(filter(None, request.values))
    assert "Ada L" not in repr(request)
