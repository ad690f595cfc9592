"""Attack: roles that may read the log, or nothing at all, and what they cannot keep others from."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest

from gatepass.errors import StoreUnavailable
from gatepass.stores.sql import SqlStore
from tests.budget import PATIENCE_S, patience
from tests.project.files import ROOT
from tests.servers.postgres import PostgresServer
from tests.stores.outcomes import OPERATIONS, Operations, attempt, require_unavailable
from tests.stores.plans import log_in, present
from tests.stores.twins import Runner, replica_on, until_read

READER, WRITER, NOBODY = "reader", "writer", "nobody_s"
DOCUMENT = (ROOT / "docs" / "scale.md").read_text()
GRANTED, _, GUARDED = (
    block.replace("auth.", "")
    .replace(" SCHEMA auth", " SCHEMA public")
    .replace(" gate;", f" {WRITER};")
    for block in re.findall(r"(?s)```text\n((?:GRANT|REVOKE).*?)```", DOCUMENT)
)
"""What a store's role needs, and what takes its locks from everybody else, as operators read it."""
ROLES = f"""
CREATE ROLE {READER} LOGIN;
CREATE ROLE {WRITER} LOGIN;
CREATE ROLE {NOBODY} LOGIN;
GRANT USAGE ON SCHEMA public TO {READER};
GRANT SELECT ON gatepass_revocations, gatepass_meta, gatepass_alembic_version TO {READER};
GRANT SELECT ON gatepass_sessions TO {READER};
{GRANTED}
CREATE DATABASE elsewhere;
"""
FILL_QUEUE = """
DO $$ BEGIN FOR i IN 1..20 LOOP PERFORM pg_notify('x', repeat(i::text, 3000)); END LOOP; END $$
"""


@pytest.fixture
def guarded(server: PostgresServer) -> PostgresServer:
    """A server with tables and roles, whose queue of notifications is short."""
    if (READER,) not in server.run("SELECT rolname FROM pg_roles"):
        for statement in ROLES.split(";\n")[:-1]:
            server.run(statement)
    return server


@pytest.fixture
def store(guarded: PostgresServer, at: Callable[[str], Any]) -> Any:
    """A store whose role may do what a store has to, and owns nothing."""
    return at(guarded.url_of("postgres", role=WRITER))


@pytest.fixture
def patient() -> Iterator[None]:
    """The machine may be busy, and nothing is in the way."""
    with patience():
        yield


@contextmanager
def reading(guarded: PostgresServer, at: Callable[[str], Any], runner: Runner) -> Iterator[Any]:
    """A replica whose role may read the log, once it has."""
    replica = replica_on(at(guarded.url_of("postgres", role=READER)), runner)
    with closing(replica):
        until_read(replica, runner)
        yield replica


def fill_queue(attacker: psycopg.Connection[Any]) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            attacker.execute(FILL_QUEUE.encode())
        except psycopg.errors.ProgramLimitExceeded:
            return
    pytest.fail("the queue was not filled")


@pytest.mark.usefixtures("patient")
def test_a_role_that_owns_nothing_does_all_that_a_store_has_to(store: Any) -> None:
    for _ in range(3):
        store.issue(log_in("eve", max_sessions=2))
    last = store.issue(log_in("eve")).session_id
    kinds = [store.rotate(present(last, turn, leeway=0)).kind.value for turn in (0, 1, 0)]
    for operation in OPERATIONS.values():
        operation(store)

    assert kinds == ["rotated", "rotated", "reused"]


@pytest.mark.usefixtures("patient")
def test_a_reader_of_the_log_changes_nothing(guarded: PostgresServer, store: Any) -> None:
    session = store.issue(log_in("bob"))
    url = guarded.url_of("postgres", role=READER)
    forged = "INSERT INTO gatepass_revocations (kind, id, at_ms) VALUES ('s', 'forged', 1)"
    with psycopg.connect(url, autocommit=True) as reader:
        for statement in (
            forged,
            "DELETE FROM gatepass_revocations",
            "UPDATE gatepass_meta SET longest_access_ms = 0",
            "TRUNCATE gatepass_revocations",
            "LOCK TABLE gatepass_revocations IN ROW EXCLUSIVE MODE",
            "LOCK TABLE gatepass_meta IN SHARE MODE",
            "SELECT 1 FROM gatepass_meta FOR KEY SHARE",
            "SELECT nextval('gatepass_revocations_seq_seq')",
            "DROP TABLE gatepass_revocations",
            "ALTER FUNCTION gatepass_epoch SECURITY DEFINER",
            "CREATE TABLE public.gatepass_mine ()",
            "SELECT sec_hash FROM gatepass_opaque_tokens",
        ):
            with pytest.raises(psycopg.errors.Error):
                reader.execute(statement.encode())
    as_reader = SqlStore.from_url(url)
    with closing(as_reader):
        said = {name: attempt(one, as_reader) for name, one in OPERATIONS.items()}

    allowed = {name for name, answer in said.items() if answer is not StoreUnavailable}
    assert allowed <= {"is_revoked", "is_revoked, once more", "sessions", "issue_opaque"}
    assert said["issue_opaque"] is None  # there is no such session
    assert session is not None
    assert not store.is_revoked(session.session_id, None)


@pytest.mark.usefixtures("patient")
def test_a_queue_of_notifications_that_somebody_filled_keeps_no_revocation_from_being_made(
    guarded: PostgresServer, store: Any, at: Callable[[str], Any], runner: Runner
) -> None:
    """The queue is one for all databases, and one listener that sleeps keeps all of it."""
    session = store.issue(log_in("carl"))
    assert session is not None
    elsewhere = guarded.url_of("elsewhere", role=NOBODY)
    with (
        reading(guarded, at, runner) as replica,
        psycopg.connect(elsewhere) as sleeper,
        psycopg.connect(elsewhere, autocommit=True) as attacker,
    ):
        sleeper.execute("LISTEN y")
        sleeper.commit()
        sleeper.execute("SELECT 1")
        fill_queue(attacker)
        store.revoke_token("00by token")
        store.revoke_session(session.session_id, reason="stolen")
        until_read(replica, runner)
        assert replica.is_revoked(None, "00by token")
        assert replica.is_revoked(session.session_id, None)


@pytest.mark.usefixtures("patient")
def test_a_transaction_that_somebody_leaves_open_hides_nothing_from_a_replica(
    guarded: PostgresServer, store: Any, at: Callable[[str], Any], runner: Runner
) -> None:
    with (
        psycopg.connect(guarded.url_of("elsewhere", role=NOBODY)) as elsewhere,
        psycopg.connect(guarded.url_of("postgres", role=READER)) as here,
        reading(guarded, at, runner) as replica,
    ):
        for holder in (elsewhere, here):
            holder.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            holder.execute("SELECT pg_current_xact_id()")
        here.execute("SELECT 1 FROM gatepass_revocations, gatepass_meta")
        store.revoke_token("00under a snapshot")
        until_read(replica, runner)
        assert replica.is_revoked(None, "00under a snapshot")


def test_a_lock_of_log_ins_that_a_stranger_holds_is_an_outage_and_lets_nobody_in(
    guarded: PostgresServer, store: Any
) -> None:
    """Any role of the database may take it; the session that is revoked by its id needs none."""
    session = store.issue(log_in("dora"))
    with psycopg.connect(guarded.url_of("postgres", role=READER)) as reader:
        reader.execute("SELECT pg_advisory_xact_lock(7449363239834329447)")
        reader.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('dora', 7449363239834329447))"
        )
        blocked: Operations = {
            "issue": lambda store: store.issue(log_in("dora")),
            "revoke_subject": lambda store: store.revoke_subject("dora", reason="theft"),
            "revoke_all": lambda store: store.revoke_all(reason="restore"),
        }
        require_unavailable(store, blocked)
        assert session is not None
        store.revoke_session(session.session_id, reason="log-out")
        store.revoke_token("00dora's")
        assert store.is_revoked(session.session_id, None)
        assert store.is_revoked(None, "00dora's")
    assert store.issue(log_in("dora")) is not None


@pytest.mark.usefixtures("patient")
def test_locks_of_log_ins_can_be_taken_from_everybody_else(
    guarded: PostgresServer, store: Any
) -> None:
    locks = guarded.run(
        "SELECT oid::regprocedure::text FROM pg_proc"
        " WHERE proname ~ '^pg_(try_)?advisory_.*lock(_shared)?$' AND proname !~ 'unlock'"
    )
    for statement in GUARDED.split(";\n")[:2]:
        guarded.run(statement)
    try:
        with psycopg.connect(guarded.url_of("postgres", role=READER), autocommit=True) as reader:
            for (lock,) in locks:
                name, _, arguments = lock.partition("(")
                values = "1, 2" if "," in arguments else "1"
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    reader.execute(f"SELECT {name}({values})".encode())
        for operation in OPERATIONS.values():
            operation(store)
    finally:
        for (lock,) in locks:
            guarded.run(f"GRANT EXECUTE ON FUNCTION {lock} TO PUBLIC")
    assert len(locks) == 16
