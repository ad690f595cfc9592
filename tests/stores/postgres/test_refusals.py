"""A PostgreSQL that refuses: log-ins, writes, or room; and rows that are not ours."""

import secrets
import traceback
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg
import pytest

from gatepass.errors import StoreUnavailable
from gatepass.stores.sql import SqlStore
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_binaries import require_binaries
from tests.stores import outcomes
from tests.stores.outcomes import LIVE, OPERATIONS, PURGE, READS, ROTATED, WRITES
from tests.stores.outcomes import require_unavailable as require
from tests.stores.plans import present
from tests.stores.postgres_backend import make_tables
from tests.stores.twins import Runner, sql_store, until

At = Callable[[str], Any]


def test_a_password_that_is_wrong_lets_nobody_in(server: PostgresServer, at: At) -> None:
    server.run("DROP ROLE IF EXISTS guarded")
    server.run("CREATE ROLE guarded LOGIN PASSWORD 'correct horse'")
    store = at(server.url.replace("gate@", "guarded:hunter2@"))

    require(store, OPERATIONS)
    with pytest.raises(StoreUnavailable) as refusal:
        store.subject_epoch("ada")
    assert "guarded" not in str(refusal.value)
    assert "hunter2" not in "".join(traceback.format_exception(refusal.value))


def test_servers_that_are_not_the_one_that_was_meant_get_nothing(
    server: PostgresServer, at: At
) -> None:
    """One without the TLS that was asked for, one that swallows everything."""
    for mode in ("sslmode=require", "sslmode=verify-full&sslrootcert=/none"):
        require(at(f"{server.url}?{mode}"), OPERATIONS)
    require(at("postgresql://gate@192.0.2.1/gate"), OPERATIONS)


def remake_role(server: PostgresServer, role: str, how: str = "") -> str:
    """The URL of a new role that may do nothing."""
    if server.run(f"SELECT 1 FROM pg_roles WHERE rolname = '{role}'"):  # noqa: S608
        server.run(f"DROP OWNED BY {role}")
        server.run(f"DROP ROLE {role}")
    server.run(f"CREATE ROLE {role} LOGIN {how}")
    return server.url.replace("gate@", f"{role}@")


def test_no_connection_that_is_left_is_an_outage_for_a_while(
    server: PostgresServer, at: At, runner: Runner
) -> None:
    url = remake_role(server, "limited", "CONNECTION LIMIT 1")
    server.run("GRANT ALL ON ALL TABLES IN SCHEMA public TO limited")
    with psycopg.connect(url):
        store = at(url)
        require(store, OPERATIONS)

    until(lambda: outcomes.attempt(READS["is_revoked"], store) is not StoreUnavailable, runner)


def test_a_role_that_may_nothing_gets_nothing(server: PostgresServer, at: At) -> None:
    require(at(remake_role(server, "stranger")), OPERATIONS)


def test_a_read_only_database_is_read_and_never_said_to_be_written(
    server: PostgresServer, store: Any
) -> None:
    server.run("ALTER DATABASE postgres SET default_transaction_read_only = on")
    try:
        require(store, WRITES | PURGE)
        assert outcomes.outcomes(store, READS)["is_revoked, once more"] is True
    finally:
        server.run("ALTER DATABASE postgres RESET default_transaction_read_only")


def test_a_standby_is_not_asked(server: PostgresServer, runner: Runner) -> None:
    outcomes.fill(server.url)
    with server.standby() as standby:
        for twin in ("sync", "async"):
            with closing(sql_store(twin, runner, standby.url)) as store:
                require(store, OPERATIONS)


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE gatepass_sessions SET recent = 'nonsense'",
        "UPDATE gatepass_sessions SET recent = '\\x00'",
        "UPDATE gatepass_sessions SET claims_json = '\\xff'",
        "UPDATE gatepass_sessions SET claims_json = '[]'",
    ],
)
def test_rows_that_are_not_ours_answer_nothing(
    server: PostgresServer, store: Any, spoil: str
) -> None:
    for session_id in (LIVE, ROTATED):
        store.rotate(present(session_id))
    server.run(spoil)

    touching = {"rotate": WRITES["rotate"], "sessions": READS["sessions"]}
    require(store, touching)


def test_a_database_without_its_only_row_of_settings_answers_no_log_in(
    server: PostgresServer, store: Any
) -> None:
    rows = server.run("DELETE FROM gatepass_meta RETURNING log_identity")
    try:
        names = ("subject_epoch", "issue with an epoch", "purge", "revoke_all")
        require(store, {name: OPERATIONS[name] for name in names})
    finally:
        server.run(f"INSERT INTO gatepass_meta VALUES ('{rows[0][0]}', 0, 0)")  # noqa: S608


def test_a_full_disk_confirms_nothing_it_did_not_write(at: At) -> None:
    server = PostgresServer(require_binaries())
    try:
        server.start()
        make_tables(server.url)
        server.stop()
        server.start(largest_file=1_200_000)
        claims = b'{"a":"' + secrets.token_hex(900).encode() + b'"}'
        outcomes.require_honest_when_full(at(server.url), claims)
    finally:
        server.end()


def test_a_mistake_of_ours_is_not_called_an_outage(server: PostgresServer) -> None:
    store = SqlStore.from_url(server.url)

    with pytest.raises(TypeError):
        store.is_revoked(object(), None)  # type: ignore[arg-type]
    with pytest.raises((TypeError, AttributeError)):
        store.revoke_token("token", lifetime_ms="long")  # type: ignore[arg-type]
    store.revoke_token("token")

    assert store.is_revoked(None, "token")
    store.close()
