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
from tests.budget import PATIENCE_S, require_short
from tests.servers.postgres import PostgresServer
from tests.stores.broken import LIMIT_S, READS, WRITES, every, outcomes
from tests.stores.plans import present
from tests.stores.postgres.broken_server import OPERATIONS, StoreTwin, heals
from tests.stores.twins import Runner

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("is_used", [False, True])
def test_a_server_that_is_down_answers_nothing_until_it_is_up(
    server: PostgresServer, store: StoreTwin, runner: Runner, *, is_used: bool
) -> None:
    if is_used:
        outcomes(store, runner, READS)
    server.stop()
    try:
        for _ in range(2):
            assert outcomes(store, runner, OPERATIONS) == every(OPERATIONS)
    finally:
        server.start()

    heals(store, runner)


@pytest.mark.parametrize("is_used", [False, True])
def test_a_frozen_server_answers_nothing_and_nobody_waits_for_it(
    server: PostgresServer, store: StoreTwin, runner: Runner, *, is_used: bool
) -> None:
    if is_used:
        outcomes(store, runner, READS)
    with server.frozen():
        for _ in range(2):
            assert outcomes(store, runner, OPERATIONS) == every(OPERATIONS)

    heals(store, runner)


def test_nothing_is_acknowledged_that_a_synchronous_standby_does_not_have(
    server: PostgresServer, used: StoreTwin, runner: Runner
) -> None:
    changes = {name: WRITES[name] for name in WRITES if name not in {"rotate", "purge"}}
    with server.standby() as standby:
        server.run("ALTER SYSTEM SET synchronous_standby_names = '*'")
        server.run("SELECT pg_reload_conf()")
        try:
            until = time.monotonic() + PATIENCE_S
            while server.run("SELECT sync_state FROM pg_stat_replication") != [("sync",)]:
                assert time.monotonic() < until
                time.sleep(0.02)
            with standby.frozen():
                for _ in range(2):  # a repeated one is not acknowledged either
                    assert outcomes(used, runner, changes) == every(changes)
            heals(used, runner)
        finally:
            server.run("ALTER SYSTEM RESET synchronous_standby_names")
            server.run("SELECT pg_reload_conf()")


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_restart_between_two_operations_is_not_noticed(
    server: PostgresServer, used: StoreTwin, runner: Runner, how: str
) -> None:
    for operation in ("is_revoked", "issue", "rotate", "rotate what was reused", "revoke_token"):
        getattr(server, how)()
        server.start()

        answer = outcomes(used, runner, {operation: OPERATIONS[operation]})
        assert StoreUnavailable not in answer.values(), operation


def test_a_lock_that_another_transaction_holds_is_not_waited_for_long(
    server: PostgresServer, used: StoreTwin, runner: Runner
) -> None:
    touching = {name: WRITES[name] for name in ("rotate", "revoke_session", "revoke_subject")}
    with server.connect() as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT 1 FROM gatepass_sessions WHERE session_id = 'live' FOR UPDATE")
        assert outcomes(used, runner, touching) == every(touching)
        assert outcomes(used, runner, READS)["is_revoked"] is False
        connection.execute("ROLLBACK")

    heals(used, runner)


@pytest.mark.parametrize("leeway", [10_000, 0])
def test_a_connection_that_is_killed_in_the_middle_is_replaced_where_that_is_safe(
    server: PostgresServer, used: StoreTwin, runner: Runner, leeway: int
) -> None:
    rotate = {"rotate": lambda store: store.rotate(present("live", leeway=leeway))}
    answer = while_locked(
        server, lambda: outcomes(used, runner, rotate)["rotate"], "pg_terminate_backend"
    )

    if leeway:
        assert getattr(answer, "kind", answer) is RotationKind.ROTATED
    else:  # done or not: doing it again could be reuse
        assert answer is StoreUnavailable
        assert outcomes(used, runner, READS)["is_revoked"] is False


def test_a_statement_that_is_killed_was_not_done(
    server: PostgresServer, used: StoreTwin, runner: Runner
) -> None:
    revoke = {"revoke": lambda store: store.revoke_session("live", reason="log-out")}
    answer = while_locked(
        server, lambda: outcomes(used, runner, revoke)["revoke"], "pg_cancel_backend"
    )

    assert answer is StoreUnavailable
    assert outcomes(used, runner, READS)["is_revoked"] is False


def while_locked(server: PostgresServer, operation: Callable[[], Any], end: str) -> Any:
    """What an operation comes to whose wait for a row's lock is ended from outside."""
    with ThreadPoolExecutor(1) as threads, server.connect() as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT 1 FROM gatepass_sessions WHERE session_id = 'live' FOR UPDATE")
        running = threads.submit(operation)
        ended: list[Any] = []
        until = time.monotonic() + 2
        while not ended and time.monotonic() < until:
            ended = server.run(
                f"SELECT {end}(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"  # noqa: S608
            )
        connection.execute("ROLLBACK")
        assert ended
        return running.result()


def test_threads_that_wait_for_a_frozen_server_are_few_and_end(
    server: PostgresServer,
) -> None:
    store = SqlStore.from_url(server.url)
    before = threading.active_count()
    with server.frozen():
        began = time.monotonic()
        with ThreadPoolExecutor(40) as callers:
            answers = list(callers.map(lambda _: attempted(store), range(40)))
        require_short(time.monotonic() - began, LIMIT_S)
        assert threading.active_count() <= before + 10

    assert answers == [StoreUnavailable] * 40
    until = time.monotonic() + PATIENCE_S
    while threading.active_count() > before:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert store.subject_epoch("ada") == 0
    store.close()


def attempted(store: SqlStore) -> object:
    try:
        return store.subject_epoch("ada")
    except StoreUnavailable as error:
        return type(error)
