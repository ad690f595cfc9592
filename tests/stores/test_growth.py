"""Sessions that ended stay as rows for a month; nobody may have to walk over them."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gatepass.stores.sql import SqlStore
from gatepass.stores.sql.sqlite.statements import SQL
from tests.project.files import SOURCES
from tests.servers.postgres import shared_server
from tests.stores.plans import START, log_in
from tests.stores.postgres_backend import DATABASE, empty_url

OF_A_SUBJECT = ("live_sessions", "live_ids", "count_live_of", "log_sessions_of")
INDEX = "gatepass_sessions_unrevoked"
INDEX_OF_ACTORS = "gatepass_sessions_actor"


@pytest.fixture
def store(url: str) -> SqlStore:
    store = SqlStore.from_url(url, clock=lambda: START)
    store.upgrade()
    return store


def test_every_statement_has_the_name_by_which_the_code_asks_for_it() -> None:
    asked = {
        name
        for file in SOURCES
        for name in re.findall(r"\bSQL\.(\w+)", file.read_text())
        if "sqlite" in str(file)
    }

    assert asked == vars(SQL).keys() - {"columns", "live", "is_key", "opened"}


@pytest.mark.parametrize("name", [*OF_A_SUBJECT, "revoke_sessions_of"])
def test_what_is_asked_of_a_subject_looks_at_no_ended_session(
    store: SqlStore, path: Path, name: str
) -> None:
    store.close()
    values: dict[str, object] = {"subject": "ada", "now_ms": 0, "why": "log-out", "keep": None}
    values |= {"keep_keys": False, "wants_keys": False}
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {getattr(SQL, name)}", values).fetchall()
    plan = [row[3] for row in rows if "gatepass_sessions" in row[3]]

    assert any(f"INDEX {INDEX} (subject=?)" in step for step in plan)
    assert all(step.endswith(("(subject=?)", "(actor=?)", "(session_id=?)")) for step in plan)


def test_logging_in_without_end_makes_no_log_in_slower(store: SqlStore, path: Path) -> None:
    """Counted in steps of SQLite's machine, which no other load of this computer changes."""
    for number in range(60):
        store.issue(log_in(session_id=f"session {number}"))
    few = steps_of_a_log_in(store, path)
    with closing(sqlite3.connect(path)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(gatepass_sessions)")]
        others = ", ".join(name for name in columns if name != "session_id")
        copy = (
            "INSERT INTO gatepass_sessions (session_id, {others}) "
            "SELECT hex(randomblob(17)), {others} FROM gatepass_sessions, "
            "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 500) "
            "SELECT i FROM n) WHERE revoked_ms IS NOT NULL"
        )
        connection.execute(copy.replace("{others}", others))
        connection.commit()
        [(ended,)] = connection.execute(
            "SELECT count(*) FROM gatepass_sessions WHERE revoked_ms IS NOT NULL"
        ).fetchall()
    many = steps_of_a_log_in(store, path)
    store.close()

    assert ended > 5_000
    assert many < 2 * few


def steps_of_a_log_in(store: SqlStore, path: Path) -> int:
    """How often SQLite takes a step of its machine for the statement that a log-in begins with."""
    assert store.issue(log_in()) is not None
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    with closing(sqlite3.connect(path)) as connection:
        connection.set_progress_handler(count, 1)
        values = {"subject": "ada", "now_ms": int(START * 1000), "wants_keys": False}
        connection.execute(SQL.live_ids, values).fetchall()
    return steps


@pytest.mark.parametrize(
    ("column", "order", "index"),
    [("subject", "created_ms DESC", INDEX), ("actor", "session_id LIMIT 9", INDEX_OF_ACTORS)],
)
def test_postgres_looks_at_no_ended_session_of_a_subject_either(
    column: str, order: str, index: str
) -> None:
    empty_url()
    with shared_server().connect(DATABASE) as connection:
        # An empty table that was vacuumed just now costs next to nothing by any plan.
        connection.execute("SET enable_seqscan = off")
        connection.execute("SET enable_sort = off")
        plan = connection.execute(
            f"EXPLAIN SELECT session_id FROM gatepass_sessions s WHERE s.{column} = 'ada' "  # noqa: S608
            f"AND s.revoked_ms IS NULL ORDER BY s.{order}"
        ).fetchall()

    assert index in str(plan)
