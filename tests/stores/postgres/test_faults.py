"""A PostgreSQL that is down, frozen, restarted or locked, and statements that are killed."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.sessions import RotationKind
from gatepass.stores.sql import SqlStore
from tests.budget import patience, require_short
from tests.servers.postgres import PostgresServer
from tests.stores.outcomes import (
    LIMIT_S,
    LIVE,
    OPERATIONS,
    READS,
    WRITES,
    attempt,
    outcomes,
    require_answers,
    require_healed,
    require_unavailable,
)
from tests.stores.plans import present
from tests.stores.twins import Runner, until

pytestmark = pytest.mark.faults

LOCK = f"SELECT 1 FROM gatepass_sessions WHERE session_id = '{LIVE}' FOR UPDATE"  # noqa: S608
NOT_CONFIRMED = {"rotate", "issue_opaque", "note_use", "take", "give_back"}
WAITING = "FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@pytest.mark.parametrize("is_frozen", [False, True])
@pytest.mark.parametrize("is_used", [False, True])
def test_a_server_that_is_down_or_frozen_answers_nothing_and_nobody_waits_for_it(
    server: PostgresServer, store: Any, *, is_used: bool, is_frozen: bool
) -> None:
    if is_used:
        require_answers(store, READS)
    with server.frozen() if is_frozen else server.down():
        for _ in range(2):
            require_unavailable(store, OPERATIONS)

    require_healed(store)


def test_nothing_is_acknowledged_that_a_synchronous_standby_does_not_have(
    server: PostgresServer, used: Any, runner: Runner
) -> None:
    changes = {name: one for name, one in WRITES.items() if name not in NOT_CONFIRMED}
    with server.standby() as standby:
        server.run("ALTER SYSTEM SET synchronous_standby_names = '*'")
        server.run("SELECT pg_reload_conf()")
        try:
            in_step = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
            until(lambda: server.run(in_step), runner)
            with standby.frozen():
                for _ in range(2):  # a repeated one is not acknowledged either
                    require_unavailable(used, changes)
            require_healed(used)
        finally:
            server.run("ALTER SYSTEM RESET synchronous_standby_names")
            server.run("SELECT pg_reload_conf()")


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_restart_between_two_operations_is_not_noticed(
    server: PostgresServer, used: Any, how: str
) -> None:
    for operation in ("is_revoked", "issue", "rotate", "rotate what was reused", "revoke_token"):
        getattr(server, how)()
        server.start()

        require_answers(used, {operation: OPERATIONS[operation]})


def test_a_lock_that_another_transaction_holds_is_not_waited_for_long(
    server: PostgresServer, used: Any
) -> None:
    touching = {name: WRITES[name] for name in ("rotate", "revoke_session", "revoke_subject")}
    with server.connect() as connection, connection.transaction():
        connection.execute(LOCK.encode())
        require_unavailable(used, touching)
        assert outcomes(used, READS)["is_revoked"] is False

    require_healed(used)


def while_locked(server: PostgresServer, operation: Callable[[], Any], end: str) -> Any:
    """What an operation comes to whose wait for a row's lock is ended from outside."""
    with (
        patience(),
        ThreadPoolExecutor(1) as threads,
        server.connect() as connection,
        Runner() as runner,
        connection.transaction(),
    ):
        connection.execute(LOCK.encode())
        running = threads.submit(operation)
        until(lambda: server.run(f"SELECT {end}(pid) {WAITING}"), runner)
        connection.execute("ROLLBACK")
        return running.result()


@pytest.mark.parametrize("leeway", [10_000, 0])
def test_a_connection_that_is_killed_in_the_middle_is_replaced_where_that_is_safe(
    server: PostgresServer, used: Any, leeway: int
) -> None:
    rotate = {"rotate": lambda store: store.rotate(present(LIVE, leeway=leeway))}
    answer = while_locked(server, lambda: outcomes(used, rotate)["rotate"], "pg_terminate_backend")

    if leeway:
        assert getattr(answer, "kind", answer) is RotationKind.ROTATED
    else:  # done or not: doing it again could be reuse
        assert answer is StoreUnavailable
        assert outcomes(used, READS)["is_revoked"] is False


def test_a_statement_that_is_killed_was_not_done(server: PostgresServer, used: Any) -> None:
    revoke = {"revoke": WRITES["revoke_session"]}
    answer = while_locked(server, lambda: outcomes(used, revoke)["revoke"], "pg_cancel_backend")

    assert answer is StoreUnavailable
    assert outcomes(used, READS)["is_revoked"] is False


def test_threads_that_wait_for_a_frozen_server_are_few_and_end(
    server: PostgresServer, runner: Runner
) -> None:
    store = SqlStore.from_url(server.url)
    before = threading.active_count()
    with server.frozen():
        began = time.monotonic()
        with ThreadPoolExecutor(40) as callers:
            ask = lambda _: attempt(lambda store: store.subject_epoch("ada"), store)  # noqa: E731
            answers = list(callers.map(ask, range(40)))
        require_short(time.monotonic() - began, LIMIT_S)
        assert threading.active_count() <= before + 10

    assert answers == [StoreUnavailable] * 40
    until(lambda: threading.active_count() <= before, runner)
    assert store.subject_epoch("ada") == 0
    store.close()
