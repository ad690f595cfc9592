"""What reading PostgreSQL's log costs the server: no more for a log that is long."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from gatepass.stores.sql import SqlStore
from gatepass.stores.sql.postgres.statements import statements_of
from tests.servers.postgres import empty_database

LONG = 30_000
TYPES = "text, bigint, text, bigint, text, text, bigint, bigint"
NEVER, PAGE = 2**62, 100

FILL = """
INSERT INTO gatepass_revocations (kind, id, at_ms) SELECT 't', n::text, n
FROM generate_series(1, %s) n
"""


@pytest.fixture
def long_log() -> Iterator[psycopg.Connection[Any]]:
    """A log with many entries, all of one transaction but for the last."""
    url = empty_database("plans")  # its own: another's transaction would keep deleted entries
    store = SqlStore.from_url(url)
    store.upgrade()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FILL, [LONG])
        connection.execute("VACUUM (ANALYZE) gatepass_revocations")
        store.revoke_token("00last")
        store.close()
        yield connection


def work_of(
    connection: psycopg.Connection[Any], name: str, mode: str, *values: Any
) -> tuple[int, int]:
    """How many rows of the log the server looks at for one statement, and how many blocks."""
    text = statements_of(None)[name].text.decode()
    connection.execute(f"SET plan_cache_mode = {mode}".encode())
    connection.execute(f"PREPARE followed ({TYPES}) AS {text}".encode())
    arguments = ", ".join("NULL" if value is None else repr(value) for value in values)
    explained = (
        f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE followed ({arguments})"
    )
    [(found,)] = connection.execute(explained.encode()).fetchall()
    connection.execute("DEALLOCATE followed")
    [whole] = json.loads(found) if isinstance(found, str) else found
    return _rows_of(whole), whole["Plan"]["Shared Hit Blocks"] + whole["Plan"]["Shared Read Blocks"]


def _rows_of(part: Any) -> int:
    if isinstance(part, list):
        return sum(map(_rows_of, part))
    if not isinstance(part, dict):
        return 0
    looked_at = 0
    if part.get("Relation Name") == "gatepass_revocations":
        removed = part.get("Rows Removed by Filter", 0) + part.get(
            "Rows Removed by Index Recheck", 0
        )
        looked_at = (part["Actual Rows"] + removed) * part["Actual Loops"]
    return int(looked_at) + sum(map(_rows_of, part.values()))


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
def test_no_statement_looks_at_more_than_it_has_to(
    long_log: psycopg.Connection[Any], mode: str
) -> None:
    [(now, first)] = long_log.execute(
        "SELECT pg_current_snapshot()::text, min(xid)::text FROM gatepass_revocations"
    ).fetchall()
    rest = (None, None, None, PAGE)
    nothing_new = work_of(long_log, "read_log", mode, now, NEVER, "0", 0, *rest)
    a_page = work_of(long_log, "read_log", mode, "3:3:", NEVER, first, LONG // 2, *rest)
    the_young = work_of(long_log, "read_log_back", mode, now, LONG - 9, "0", 0, *rest)

    [(upper,)] = long_log.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text").fetchall()
    held_open = f"5:{upper}:5"  # by a transaction that is older than the log
    left_open = work_of(long_log, "read_log", mode, held_open, NEVER, "0", 0, *rest)

    assert nothing_new[0] == left_open[0] == 0
    assert PAGE <= a_page[0] <= 2 * PAGE
    assert 10 <= the_young[0] <= 2 * PAGE
    assert max(blocks for _, blocks in (nothing_new, left_open, a_page, the_young)) < 60
