"""Attack: whoever may make objects in a schema of the path has code run as the store's role."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any, cast

import psycopg
import pytest
from sqlalchemy import insert, select, update

from gatepass.sessions import OpaqueKind, RevokeKind, RotationKind
from gatepass.stores.sql import SqlStore, tables
from gatepass.stores.sql.transactions import durable_transaction, pooled_engine_of
from tests.servers.postgres import empty_database, shared_server
from tests.stores.outcomes import OPERATIONS
from tests.stores.plans import log_in, opaque, present
from tests.stores.postgres.planted import plant
from tests.stores.postgres.test_transactions import ADA
from tests.stores.twins import Runner, replica_on, sql_store, until_read

DATABASE = "planted"


@pytest.fixture(scope="module")
def planted() -> str:
    """A database with traps in two schemas, which are both in everybody's path."""
    url = empty_database(DATABASE)
    shared_server().run("CREATE SCHEMA auth", database=DATABASE)
    for schema in ("public", "auth"):
        plant(shared_server(), DATABASE, schema)
    shared_server().run(f"ALTER DATABASE {DATABASE} SET search_path = public, auth")
    return url


@pytest.fixture(params=[None, "auth"])
def schema(request: pytest.FixtureRequest, planted: str) -> str | None:
    """Where the tables are; `None`: in `public`, wherever the path says."""
    assert planted
    name: str | None = request.param
    return name


@pytest.fixture
def store(planted: str, schema: str | None, twin: str, runner: Runner) -> Iterator[Any]:
    with closing(cast("Any", sql_store(twin, runner, planted, schema=schema))) as store:
        store.upgrade()
        yield store


def test_the_traps_are_ones_that_fall(planted: str) -> None:
    with psycopg.connect(planted, autocommit=True) as connection:
        for text in (
            "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)",
            "SELECT json_build_array('1'::text, 1::bigint, 's'::text, 'a'::text, 1::bigint)",
            "SELECT cardinality('{}'::text[])",
        ):
            with pytest.raises(psycopg.errors.RaiseException, match="planted"):
                connection.execute(text.encode())


def test_no_operation_runs_what_a_stranger_planted(store: Any) -> None:
    opened = [store.issue(log_in("eve", max_sessions=2)) for _ in range(3)]
    last = opened[-1].session_id
    kinds = [store.rotate(present(last, turn)).kind for turn in (0, 1, 0, 7)]
    plan = opaque(last)
    store.issue_opaque(plan)
    found = store.find_opaque(plan.opaque_id).kind
    kinds.append(store.rotate(present(last, 1, leeway=0)).kind)

    assert [kind.value for kind in kinds] == ["rotated", "rotated", "replayed", "ahead", "reused"]
    assert found is OpaqueKind.LIVE
    assert store.revoke_session("00nobody's", reason="log-out") is RevokeKind.UNKNOWN
    assert store.revoke_session("00nobody's", reason="log-out", sec_hash=b"") is RevokeKind.UNKNOWN
    assert store.rotate(present("00nobody's")).kind is RotationKind.UNKNOWN
    for operation in OPERATIONS.values():
        operation(store)


def test_no_replica_runs_what_a_stranger_planted(
    store: Any, runner: Runner, schema: str | None
) -> None:
    with closing(replica_on(store, runner)) as replica:
        name = f"00{schema}"
        store.revoke_token(name)
        until_read(replica, runner)
        assert replica.is_revoked(None, name)


def test_accounts_run_nothing_that_a_stranger_planted(planted: str) -> None:
    store = SqlStore.from_url(planted)
    store.upgrade()
    store.close()
    engine = pooled_engine_of(planted)
    accounts = tables.accounts
    with durable_transaction(engine) as connection:
        connection.execute(accounts.delete().where(accounts.c.username == "ada"))
        connection.execute(insert(accounts).values(ADA))
    with durable_transaction(engine) as connection:
        of_ada = accounts.c.username == "ada"
        connection.execute(update(accounts).where(of_ada).values(updated_ms=7))
        found = connection.execute(select(accounts.c.updated_ms).where(of_ada)).all()
    engine.dispose()

    assert [tuple(row) for row in found] == [(7,)]
