"""A PostgreSQL that refuses: log-ins, writes, or room; and rows that are not ours."""

import secrets
import time
import traceback

import psycopg
import pytest

from gatepass.errors import StoreUnavailable
from gatepass.sessions import Session
from gatepass.stores.sql import SqlStore
from tests.budget import PATIENCE_S
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_binaries import require_binaries
from tests.stores import broken
from tests.stores.broken import READS, WRITES, every, outcomes
from tests.stores.plans import log_in, present
from tests.stores.postgres.broken_server import OPERATIONS, StoreTwin, closed, made
from tests.stores.twins import Awaited, Runner


def test_a_password_that_is_wrong_lets_nobody_in(
    server: PostgresServer, twin: str, runner: Runner
) -> None:
    server.run("DROP ROLE IF EXISTS guarded")
    server.run("CREATE ROLE guarded LOGIN PASSWORD 'correct horse'")
    store = made(twin, server.url.replace("gate@", "guarded:hunter2@"))

    assert outcomes(store, runner, OPERATIONS) == every(OPERATIONS)
    plain = store if isinstance(store, SqlStore) else Awaited(store, runner)
    with pytest.raises(StoreUnavailable) as refusal:
        plain.subject_epoch("ada")
    assert "guarded" not in str(refusal.value)
    assert "hunter2" not in "".join(traceback.format_exception(refusal.value))
    closed(store, runner)


@pytest.mark.parametrize("mode", ["sslmode=require", "sslmode=verify-full&sslrootcert=/none"])
def test_a_server_without_the_tls_that_was_asked_for_gets_nothing(
    server: PostgresServer, twin: str, runner: Runner, mode: str
) -> None:
    store = made(twin, f"{server.url}?{mode}")

    assert outcomes(store, runner, OPERATIONS) == every(OPERATIONS)
    closed(store, runner)


def test_a_host_that_swallows_everything_is_given_up_in_time(twin: str, runner: Runner) -> None:
    store = made(twin, "postgresql://gate@192.0.2.1/gate")

    assert outcomes(store, runner, OPERATIONS) == every(OPERATIONS)
    closed(store, runner)


def test_no_connection_that_is_left_is_an_outage_for_a_while(
    server: PostgresServer, twin: str, runner: Runner
) -> None:
    server.run("DROP OWNED BY limited" if has_role(server, "limited") else "SELECT 1")
    server.run("DROP ROLE IF EXISTS limited")
    server.run("CREATE ROLE limited LOGIN CONNECTION LIMIT 1")
    server.run("GRANT ALL ON ALL TABLES IN SCHEMA public TO limited")
    server.run("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO limited")
    url = server.url.replace("gate@", "limited@")
    with psycopg.connect(url):
        store = made(twin, url)
        assert outcomes(store, runner, OPERATIONS) == every(OPERATIONS)

    one = {"is_revoked": OPERATIONS["is_revoked"]}
    until = time.monotonic() + PATIENCE_S
    while outcomes(store, runner, one)["is_revoked"] is StoreUnavailable:
        assert time.monotonic() < until
    closed(store, runner)


def has_role(server: PostgresServer, role: str) -> bool:
    return bool(server.run(f"SELECT 1 FROM pg_roles WHERE rolname = '{role}'"))  # noqa: S608


def test_a_role_that_may_nothing_gets_nothing(
    server: PostgresServer, twin: str, runner: Runner
) -> None:
    if not has_role(server, "stranger"):
        server.run("CREATE ROLE stranger LOGIN")
    store = made(twin, server.url.replace("gate@", "stranger@"))

    assert outcomes(store, runner, OPERATIONS) == every(OPERATIONS)
    closed(store, runner)


def test_a_read_only_database_is_read_and_never_said_to_be_written(
    server: PostgresServer, store: StoreTwin, runner: Runner
) -> None:
    server.run("ALTER DATABASE postgres SET default_transaction_read_only = on")
    try:
        assert outcomes(store, runner, WRITES) == every(WRITES)
        assert outcomes(store, runner, READS)["is_revoked, once more"] is True
    finally:
        server.run("ALTER DATABASE postgres RESET default_transaction_read_only")


def test_a_standby_is_not_asked(server: PostgresServer, twin: str, runner: Runner) -> None:
    broken.fill(server.url)
    with server.standby() as standby:
        store = made(twin, standby.url)

        assert outcomes(store, runner, OPERATIONS) == every(OPERATIONS)
        closed(store, runner)


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
    server: PostgresServer, store: StoreTwin, runner: Runner, spoil: str
) -> None:
    for session_id in ("live", "rotated"):
        outcomes(store, runner, {"": lambda store: store.rotate(present(session_id))})  # noqa: B023
    server.run(spoil)

    touching = {
        "rotate": lambda store: store.rotate(present("live", 0)),
        "sessions": READS["sessions"],
    }
    assert outcomes(store, runner, touching) == every(touching)


def test_a_database_without_its_only_row_of_settings_answers_no_log_in(
    server: PostgresServer, store: StoreTwin, runner: Runner
) -> None:
    rows = server.run("DELETE FROM gatepass_meta RETURNING log_identity")
    try:
        names = ("subject_epoch", "issue with an epoch", "purge", "revoke_all")
        ask = {name: OPERATIONS[name] for name in names}
        assert outcomes(store, runner, ask) == every(ask)
    finally:
        server.run(f"INSERT INTO gatepass_meta VALUES ('{rows[0][0]}', 0, 0)")  # noqa: S608


def test_a_full_disk_confirms_nothing_it_did_not_write(twin: str, runner: Runner) -> None:
    server = PostgresServer(require_binaries())
    try:
        server.start()
        setting_up = SqlStore.from_url(server.url)
        setting_up.upgrade()
        setting_up.close()
        server.stop()
        server.start(largest_file=1_200_000)
        store = made(twin, server.url)
        confirmed: list[Session] = []
        claims = b'{"a":"' + secrets.token_hex(900).encode() + b'"}'
        for number in range(2_000):
            log_in_again = {
                "issue": lambda store: store.issue(log_in(f"subject {number}", claims=claims))  # noqa: B023
            }
            answer = outcomes(store, runner, log_in_again)["issue"]
            if not isinstance(answer, Session):
                break
            confirmed.append(answer)

        assert answer is StoreUnavailable
        assert len(confirmed) > 0
        plain = store if isinstance(store, SqlStore) else Awaited(store, runner)
        assert not any(plain.is_revoked(session.session_id, None) for session in confirmed)
        closed(store, runner)
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
