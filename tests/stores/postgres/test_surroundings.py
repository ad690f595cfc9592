"""What a database, a role, an engine or a pooler is set to: none of it opens a door."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine

from gatepass.errors import StoreUnavailable
from gatepass.sessions import OpaqueKind, RevokeKind, RotationKind
from gatepass.stores.sql import SqlStore
from gatepass.stores.sql.postgres.statements import statements_of
from gatepass.stores.sql.revisions import find_revision
from tests.budget import PATIENCE_S
from tests.servers.postgres import empty_database, shared_server
from tests.stores.outcomes import OPERATIONS
from tests.stores.plans import log_in, opaque, present
from tests.stores.postgres_backend import empty_url
from tests.stores.twins import Runner, sql_store

DATABASE = "surroundings"
STRANGE = {
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "standard_conforming_strings": "off",
    "TimeZone": "Pacific/Kiritimati",
    "DateStyle": "German",
    "IntervalStyle": "iso_8601",
    "bytea_output": "escape",
    "client_encoding": "LATIN1",
    "transform_null_equals": "on",
    "array_nulls": "off",
    "extra_float_digits": "-15",
    "session_replication_role": "replica",
    "synchronous_commit": "off",
    "plpgsql.variable_conflict": "use_column",
    "plpgsql.extra_errors": "all",
    "statement_timeout": "60000",
    "lock_timeout": "60000",
}


@pytest.fixture
def url() -> Iterator[str]:
    yield empty_database(DATABASE)
    shared_server().run(f"ALTER DATABASE {DATABASE} RESET ALL")


def set_all(settings: dict[str, str]) -> None:
    for name, value in settings.items():
        shared_server().run(f"ALTER DATABASE {DATABASE} SET {name} = '{value}'")


def test_a_database_with_the_strangest_settings_keeps_every_promise(
    url: str, twin: str, runner: Runner
) -> None:
    set_all(STRANGE)
    store = sql_store(twin, runner, url)
    store.upgrade()  # type: ignore[attr-defined]

    opened = [store.issue(log_in("日本", max_sessions=2, epoch=0)) for _ in range(3)]
    last = opened[-1]
    assert last is not None
    assert len(store.sessions("日本")) == 2
    kinds = [store.rotate(present(last.session_id, generation)).kind for generation in (0, 1, 0, 7)]
    assert kinds == [
        RotationKind.ROTATED,
        RotationKind.ROTATED,
        RotationKind.REPLAYED,
        RotationKind.AHEAD,
    ]
    plan = opaque(last.session_id)
    assert store.issue_opaque(plan) is not None
    assert store.find_opaque(plan.opaque_id).kind is OpaqueKind.LIVE
    assert store.rotate(present(last.session_id, 1, leeway=0)).kind is RotationKind.REUSED
    assert store.find_opaque(plan.opaque_id).kind is OpaqueKind.REVOKED
    assert store.revoke_session(last.session_id, reason="log-out") is RevokeKind.ALREADY
    assert store.revoke_subject("日本", reason="password changed") == 1
    assert store.issue(log_in("日本", epoch=0)) is None
    store.close()


def while_held(url: str, lock: str, operation: Callable[[], object]) -> list[BaseException]:
    """What three callers raised who all met a lock that is freed when they wait for it."""
    raised: list[BaseException] = []

    def call() -> None:
        try:
            operation()
        except StoreUnavailable as error:
            raised.append(error)

    with psycopg.connect(url) as holder:
        holder.execute(lock.encode())
        callers = [threading.Thread(target=call) for _ in range(3)]
        for caller in callers:
            caller.start()
        until = time.monotonic() + PATIENCE_S
        while waiting(DATABASE) < len(callers):
            assert time.monotonic() < until
            time.sleep(0.01)
    for caller in callers:
        caller.join()
    return raised


def waiting(database: str) -> int:
    return len(
        shared_server().run(
            "SELECT 1 FROM pg_stat_activity"  # noqa: S608
            f" WHERE datname = '{database}' AND wait_event_type = 'Lock'"
        )
    )


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable", "autocommit engine"])
def test_upgrades_at_once_where_a_transaction_would_not_see_what_it_waited_for(
    url: str, isolation: str
) -> None:
    engine = None
    if isolation == "autocommit engine":
        engine = create_engine(
            url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
        )
    else:
        set_all({"default_transaction_isolation": isolation})

    def upgrade() -> None:
        store = SqlStore.from_url(url) if engine is None else SqlStore(engine)
        store.upgrade()
        store.close()

    raised = while_held(url, "SELECT pg_advisory_xact_lock(7449363239834329448)", upgrade)

    assert raised == []
    assert find_revision(url).is_current
    if engine is not None:
        engine.dispose()


def test_an_upgrade_through_an_autocommit_engine_is_all_or_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_short(_: int) -> str:
        raise OSError(28, "No space left on device")

    engine = create_engine(
        url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
    )
    store = SqlStore(engine)
    monkeypatch.setattr("secrets.token_hex", cut_short)
    with pytest.raises(StoreUnavailable):
        store.upgrade()

    left = shared_server().run(
        "SELECT relname FROM pg_class WHERE relname ~ 'gatepass'", database=DATABASE
    )
    assert left == []
    store.close()
    engine.dispose()


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_every_name_is_refused_in_one_sentence(
    encoding: str, twin: str, runner: Runner
) -> None:
    server = shared_server()
    server.run("DROP DATABASE IF EXISTS other_encoding")
    server.run(f"CREATE DATABASE other_encoding ENCODING '{encoding}' TEMPLATE template0")
    store: Any = sql_store(twin, runner, server.url_of("other_encoding"))

    for operation in [lambda store: store.upgrade(), *OPERATIONS.values()]:
        with pytest.raises(StoreUnavailable, match="ENCODING 'UTF8'"):
            operation(store)
    store.close()
    assert find_revision(server.url_of("other_encoding")).found is None


def test_a_log_in_with_an_old_password_behind_a_pooler_that_lost_the_isolation() -> None:
    """The revocation that it waited for must not be older than what it sees."""
    url = empty_url()
    store = SqlStore.from_url(url)
    store.subject_epoch("ada")
    runner: Any = store._runner
    [pooled] = runner._idle
    pooled._wire.exec_(b"SET default_transaction_isolation = 'repeatable read'")

    with psycopg.connect(url) as other:
        other.execute("SELECT gatepass_revoke_subject('ada', NULL, 'left', NULL, false)")
        answers: list[object] = []

        def attack() -> None:
            try:
                answers.append(store.issue(log_in(epoch=0)))
            except StoreUnavailable as error:
                answers.append(error)

        attacker = threading.Thread(target=attack)
        attacker.start()
        time.sleep(0.3)
    attacker.join()

    assert len(answers) == 1
    assert answers[0] is None or isinstance(answers[0], StoreUnavailable)
    assert store.sessions("ada") == []
    assert store.issue(log_in(epoch=1)) is not None  # on a connection that was set up
    store.close()


def test_a_statement_prepared_for_another_schema_is_not_run_on_ours() -> None:
    """A pooler gives one connection to both."""
    names: dict[bytes, bytes] = {}
    for schema in (None, "one", "two"):
        for statement in statements_of(schema).values():
            assert names.setdefault(statement.name, statement.text) == statement.text
            assert len(statement.name) < 64  # the server would cut a longer one
