"""What SQLite's revocation log holds after each operation, for those who read it elsewhere."""

import sqlite3
from pathlib import Path

from gatepass.sessions import Store
from tests.stores.plans import LEEWAY, SECOND, Clock, log_in, present


def log_of(path: Path) -> list[tuple[str, str, int]]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT kind, id, at_ms FROM gatepass_revocations ORDER BY seq")
    entries = rows.fetchall()
    connection.close()
    return entries


def test_every_revocation_is_logged_once(sqlite: Store, path: Path, clock: Clock) -> None:
    start = clock.ms
    for name in ("a", "b", "c"):
        sqlite.issue(log_in(session_id=name))
    sqlite.revoke_session("b", reason="log-out")
    sqlite.revoke_token("token")
    sqlite.revoke_session("missing", reason="log-out")
    clock.forward(SECOND)
    sqlite.revoke_session("b", reason="log-out")
    sqlite.revoke_token("token")
    sqlite.revoke_session("missing", reason="log-out")
    sqlite.revoke_subject("ada", reason="log-out")

    assert log_of(path) == [
        ("s", "b", start),
        ("t", "token", start),
        ("s", "missing", start),
        ("s", "a", clock.ms),
        ("s", "c", clock.ms),
    ]


def test_reuse_is_logged_with_the_revocation(sqlite: Store, path: Path, clock: Clock) -> None:
    sqlite.issue(log_in(session_id="a"))
    sqlite.rotate(present("a"))
    clock.forward(LEEWAY + 1)
    sqlite.rotate(present("a"))

    assert log_of(path) == [("s", "a", clock.ms)]


def test_sessions_over_the_limit_are_logged(sqlite: Store, path: Path, clock: Clock) -> None:
    for name in ("a", "b", "c"):
        sqlite.issue(log_in(session_id=name, max_sessions=1))
        clock.forward(SECOND)

    assert [identifier for _, identifier, _ in log_of(path)] == ["a", "b"]


def test_everybodys_sessions_are_logged(sqlite: Store, path: Path) -> None:
    for name in ("a", "b", "c"):
        sqlite.issue(log_in(f"subject {name}", session_id=name))
    sqlite.revoke_all(reason="restore")

    assert sorted(identifier for _, identifier, _ in log_of(path)) == ["a", "b", "c"]


def test_rotations_leave_the_log_alone(sqlite: Store, path: Path) -> None:
    sqlite.issue(log_in(session_id="a"))
    for generation in (0, 1, 0, 5):
        sqlite.rotate(present("a", generation))

    assert log_of(path) == []
