"""What the revocation log in PostgreSQL holds, for those who read it elsewhere by `xid`."""

import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from gatepass.sessions import Session, Store
from gatepass.sessions.session import LOG_MS, SKEW_MS
from tests.servers.postgres import shared_server
from tests.stores.plans import ACCESS_LIFE, DAY, MINUTE, SECOND, Clock, log_in, present
from tests.stores.postgres_backend import DATABASE, postgres_store
from tests.stores.twins import Runner

RETENTION = ACCESS_LIFE + SKEW_MS
Database = psycopg.Connection[Any]


@pytest.fixture
def store(twin: str, runner: Runner, clock: Clock) -> Iterator[Store]:
    store = postgres_store(twin, runner, clock)
    yield store
    store.close()


@pytest.fixture
def connection() -> Iterator[Database]:
    connection = shared_server().connect(DATABASE)
    yield connection
    connection.close()


def log_of(connection: Database) -> list[tuple[str, str, int]]:
    query = "SELECT kind, id, at_ms FROM gatepass_revocations ORDER BY seq"
    return connection.execute(query).fetchall()


def test_a_reader_by_xid_misses_nothing_that_commits_late(
    store: Store, connection: Database
) -> None:
    """The cursor is the oldest transaction of the snapshot that was read, without upper bound."""
    store.issue(log_in(session_id="slow"))
    with shared_server().connect(DATABASE) as slow:
        slow.execute("BEGIN")
        slow.execute("SELECT gatepass_revoke_session('slow', 'log-out', NULL, NULL)")
        store.revoke_token("fast")
        first, cursor = read_from(connection, 0)
        slow.execute("COMMIT")
    second, _ = read_from(connection, cursor)

    assert first == {"fast"}
    assert "slow" in second


def read_from(connection: Database, cursor: int) -> tuple[set[str], int]:
    rows = connection.execute(
        "SELECT r.id, pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        " FROM (SELECT) once LEFT JOIN gatepass_revocations r ON xid >= %s::text::xid8",
        [cursor],
    ).fetchall()
    return {row[0] for row in rows}, rows[0][1]


def test_a_session_that_was_logged_long_before_it_ends_is_news_again(
    store: Store, clock: Clock, connection: Database
) -> None:
    store.revoke_session("late", reason="log-out")
    _, cursor = read_from(connection, 0)
    clock.forward(MINUTE)
    store.issue(log_in(session_id="late"))
    store.revoke_subject("ada", reason="log-out")

    assert log_of(connection) == [("s", "late", clock.ms)]
    assert "late" in read_from(connection, cursor)[0]


def test_an_entry_that_a_purge_may_take_is_logged_anew(
    store: Store, clock: Clock, connection: Database
) -> None:
    store.issue(log_in())
    store.revoke_token("token")
    clock.forward(RETENTION)
    store.revoke_token("token")

    assert log_of(connection) == [("t", "token", clock.ms)]
    assert store.purge() == 0
    assert store.is_revoked(None, "token")


def test_an_entry_that_a_purge_is_taking_is_logged_anew(store: Store, connection: Database) -> None:
    store.issue(log_in())
    store.revoke_token("token")
    with shared_server().connect(DATABASE) as purging:
        purging.execute("BEGIN")
        purging.execute("DELETE FROM gatepass_revocations")
        revoking = threading.Thread(target=revoke_elsewhere, args=["token"])
        revoking.start()
        revoking.join(0.2)
        assert revoking.is_alive()  # it waits for what becomes of the entry
        purging.execute("COMMIT")
        revoking.join()

    assert [identifier for _, identifier, _ in log_of(connection)] == ["token"]


def revoke_elsewhere(token_id: str) -> None:
    with shared_server().connect(DATABASE) as connection:
        connection.execute("SELECT gatepass_revoke_token(%s, 0, NULL)", [token_id])


def test_a_token_revoked_again_for_longer_is_kept_for_longer(store: Store, clock: Clock) -> None:
    store.issue(log_in())
    store.revoke_token("token", lifetime_ms=DAY)
    clock.forward(DAY // 2)
    store.revoke_token("token", lifetime_ms=DAY)
    clock.forward(DAY - SECOND)

    store.purge()
    assert store.is_revoked(None, "token")


def test_revocations_alone_keep_the_log_short(
    store: Store, clock: Clock, connection: Database
) -> None:
    store.issue(log_in())
    for number in range(200):
        store.revoke_token(f"token {number}")
        clock.forward(15 * MINUTE)

    in_time = LOG_MS // (15 * MINUTE)
    assert len(log_of(connection)) <= in_time + 1


def test_nothing_is_forgotten_before_it_is_known_how_long_tokens_live(
    store: Store, clock: Clock
) -> None:
    for number in range(20):
        store.revoke_token(f"token {number}")
        clock.forward(DAY)

    assert store.is_revoked(None, "token 0")


def test_everybody_is_ended_in_steps(store: Store, connection: Database) -> None:
    template = store.issue(log_in(session_id="0"))
    assert isinstance(template, Session)
    connection.execute(
        "INSERT INTO gatepass_sessions SELECT (jsonb_populate_record(s, jsonb_build_object("
        "'session_id', n::text, 'subject', 'subject ' || n))).*"
        " FROM gatepass_sessions s, generate_series(1, 2499) n"
    )

    assert store.revoke_all(reason="restore") == 2_500
    assert len(log_of(connection)) == 2_500
    assert store.sessions("subject 7") == []
    assert store.revoke_all(reason="restore") == 0
    assert store.subject_epoch("subject 7") == 2


def test_the_servers_clock_counts_when_no_other_is_given(
    twin: str, runner: Runner, connection: Database
) -> None:
    store = postgres_store(twin, runner)
    [(before,)] = connection.execute(
        "SELECT extract(epoch FROM clock_timestamp()) * 1000"
    ).fetchall()
    session = store.issue(log_in(session_id="a"))
    [(after,)] = connection.execute(
        "SELECT extract(epoch FROM clock_timestamp()) * 1000"
    ).fetchall()
    fact = store.rotate(present("a"))
    store.close()

    assert session is not None
    assert int(before) <= session.created_ms <= int(after)
    assert fact.session is not None
    assert fact.session.born_ms >= session.created_ms
