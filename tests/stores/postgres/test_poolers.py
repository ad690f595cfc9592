"""Behind a pooler in transaction mode, which may ask another server each time."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import NullPool, create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from gatepass.errors import StoreUnavailable
from gatepass.sessions import Bucket, RotationKind
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from tests.servers.pooler import Pooler
from tests.servers.postgres import PostgresServer
from tests.stores.outcomes import LIVE, OPERATIONS, Operations
from tests.stores.plans import DAY, log_in, opaque, present
from tests.stores.twins import Awaited, Runner, replica_on, until, until_read

pytestmark = pytest.mark.faults

SETTINGS = """
SELECT current_setting('statement_timeout'), current_setting('lock_timeout'),
  current_setting('idle_in_transaction_session_timeout'), current_setting('jit'),
  (SELECT count(*) FROM pg_listening_channels())
"""
BURN_NUMBERS = """
DO $$ BEGIN FOR i IN 1..99 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$
"""


@contextmanager
def pooled(server: PostgresServer, reset: bytes = b"") -> Iterator[Pooler]:
    pooler = Pooler(server.port, reset=reset)
    try:
        yield pooler
    finally:
        pooler.end()


@contextmanager
def store_at(
    pooler: Pooler, twin: str, runner: Runner, threshold: int | None = None
) -> Iterator[Any]:
    options: dict[str, Any] = {
        "poolclass": NullPool,
        "connect_args": {"prepare_threshold": threshold, "client_encoding": "UTF8"},
    }
    url = f"postgresql+psycopg://gate@127.0.0.1:{pooler.port}/postgres"
    store: Any
    if twin == "sync":
        store = SqlStore(create_engine(url, **options))
    else:
        store = Awaited(AsyncSqlStore(create_async_engine(url, **options)), runner)
    with closing(store):
        yield store


def test_every_operation_works_without_prepared_statements(
    server: PostgresServer, twin: str, runner: Runner
) -> None:
    with pooled(server) as pooler, store_at(pooler, twin, runner) as store:
        session = store.issue(log_in(session_id="a"))
        kinds = [store.rotate(present("a", turn)).kind for turn in (0, 1, 0)]
        for operation in OPERATIONS.values():
            operation(store)

    assert session is not None
    assert kinds == [RotationKind.ROTATED, RotationKind.ROTATED, RotationKind.REPLAYED]


def test_others_of_the_same_pooler_keep_their_settings(
    server: PostgresServer, twin: str, runner: Runner
) -> None:
    """What a session is set to stays with the server's connection, which is theirs next."""
    with (
        pooled(server) as pooler,
        store_at(pooler, twin, runner) as store,
        closing(replica_on(store, runner)) as replica,
    ):
        store.is_revoked("a", None)
        until(replica.fresh, runner)
        replica.close()
        address = f"host=127.0.0.1 port={pooler.port} user=gate dbname=postgres"
        with psycopg.connect(address, autocommit=True, prepare_threshold=None) as other:
            for _ in range(8):  # each connection in its turn
                [found] = other.execute(SETTINGS).fetchall()
                assert found == ("0", "0", "0", "on", 0)


def test_prepared_statements_that_a_pooler_loses_are_refused_in_one_sentence(
    server: PostgresServer, twin: str, runner: Runner
) -> None:
    with (
        pooled(server, reset=b"DISCARD ALL") as pooler,
        store_at(pooler, twin, runner, threshold=5) as store,
    ):
        for operation in OPERATIONS.values():
            with pytest.raises(StoreUnavailable, match="`prepare_threshold=None`"):
                operation(store)


def test_transactions_of_another_isolation_change_nothing(
    server: PostgresServer, twin: str, runner: Runner
) -> None:
    """Such a transaction does not see what was committed while it waited."""
    changes: list[Callable[[Any], object]] = [
        lambda store: store.issue(log_in()),
        lambda store: store.revoke_session("a", reason="log-out"),
        lambda store: store.revoke_token("00token"),
        lambda store: store.revoke_subject("ada", reason="log-out"),
        lambda store: store.revoke_all(reason="restore"),
    ]
    server.run("ALTER ROLE gate SET default_transaction_isolation = 'repeatable read'")
    try:
        with pooled(server) as pooler, store_at(pooler, twin, runner) as store:
            for change in changes:
                with pytest.raises(StoreUnavailable, match="READ COMMITTED"):
                    change(store)
    finally:
        server.run("ALTER ROLE gate RESET default_transaction_isolation")


def test_a_standby_that_a_pooler_asks_in_its_turn_is_not_believed(
    server: PostgresServer, twin: str, runner: Runner
) -> None:
    """It is behind: what was revoked is alive there, and a log-in's epoch is the old one."""
    with (
        server.standby() as standby,
        pooled(server) as pooler,
        store_at(pooler, twin, runner) as store,
    ):
        session = store.issue(log_in(session_id=LIVE))
        assert session is not None
        plan = opaque(LIVE)
        full = [Bucket(key=bytes(16), limit=1, window_ms=DAY)]
        assert store.take(full) == 0
        assert store.issue_opaque(plan) is not None
        until(lambda: standby.run("SELECT 1 FROM gatepass_opaque_tokens"), runner)
        standby.run("SELECT pg_wal_replay_pause()")
        store.revoke_subject("ada", reason="stolen")
        pooler.ports = [standby.port]

        reads: list[Callable[[], object]] = [
            lambda: store.is_revoked(LIVE, None),
            lambda: store.find_opaque(plan.opaque_id),
            lambda: store.sessions("ada"),
            lambda: store.subject_epoch("ada"),
        ]
        waits: Operations = {"take from a full bucket": lambda store: store.take(full)}
        for read in reads:
            with pytest.raises(StoreUnavailable, match="standby"):
                read()
        for operation in (OPERATIONS | waits).values():
            with pytest.raises(StoreUnavailable):
                operation(store)
        pooler.ports = [server.port]
        assert store.is_revoked(LIVE, None)
        assert store.take(full) > 0


def test_a_replica_learns_what_the_next_primary_logs_under_numbers_that_it_knows(
    server: PostgresServer, twin: str, runner: Runner
) -> None:
    """The old primary gave out numbers of transactions that were never replicated."""
    with (
        server.standby() as standby,
        pooled(server) as pooler,
        store_at(pooler, twin, runner) as store,
        closing(replica_on(store, runner)) as replica,
    ):
        store.revoke_token("00before")
        until(lambda: replica.fresh() and replica.is_revoked(None, "00before"), runner)
        until(lambda: standby.run("SELECT 1 FROM gatepass_revocations"), runner)
        standby.run("ALTER SYSTEM SET primary_conninfo = ''")
        standby.run("SELECT pg_reload_conf()")
        until(lambda: not server.run("SELECT 1 FROM pg_stat_replication"), runner)
        server.run(BURN_NUMBERS)
        until_read(replica, runner)

        standby.run("SELECT pg_promote()")
        pooler.ports = [standby.port]
        elsewhere = SqlStore.from_url(standby.url)
        elsewhere.revoke_token("00after")
        elsewhere.close()
        [(given,)] = standby.run("SELECT max(xid)::text::bigint FROM gatepass_revocations")
        [(lost,)] = server.run("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        assert given < lost
        until_read(replica, runner)
        assert replica.is_revoked(None, "00after")
