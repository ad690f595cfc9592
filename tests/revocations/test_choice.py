"""The replica that belongs to a store."""

from pathlib import Path
from typing import Any

import pytest

from gatepass import AsyncTokenVerifier, TokenVerifier
from gatepass.errors import SettingsRejected
from gatepass.jose import SharedKey
from gatepass.revocations import AsyncReplica, Replica, replica_of
from gatepass.revocations.sqlite import AsyncSqliteReplica, SqliteReplica
from gatepass.revocations.staleness import WhenStale
from gatepass.stores.memory import MemoryStore
from gatepass.stores.redis import AsyncRedisStore, RedisStore
from gatepass.stores.sql import AsyncSqlStore, SqlStore

POSTGRES = "postgresql://somebody@127.0.0.1:1/nothing"
REDIS = "redis://127.0.0.1:1/0"


@pytest.mark.parametrize(
    ("store", "kind"),
    [
        (lambda: SqlStore.from_url(POSTGRES), Replica),
        (lambda: AsyncSqlStore.from_url(POSTGRES), AsyncReplica),
        (lambda: RedisStore.from_url(REDIS), Replica),
        (lambda: AsyncRedisStore.from_url(REDIS), AsyncReplica),
    ],
)
def test_each_store_has_its_replica_which_verifiers_of_its_kind_take(store: Any, kind: Any) -> None:
    made = store()
    replica = replica_of(made, max_staleness=5, when_stale=WhenStale.DENY)

    assert type(replica) is kind
    assert replica.status().when_stale is WhenStale.DENY
    key, how = SharedKey.generate(), {"issuer": "us", "audience": "them", "revocations": replica}
    verifiers: list[Any] = [TokenVerifier, AsyncTokenVerifier]
    verifiers[made.is_async](key, **how)
    with pytest.raises(TypeError):
        verifiers[not made.is_async](key, **how)


def test_stores_on_sqlite_have_theirs(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'gate.db'}"

    assert type(replica_of(SqlStore.from_url(url))) is SqliteReplica
    assert type(replica_of(AsyncSqlStore.from_url(url))) is AsyncSqliteReplica


def test_a_store_in_memory_needs_none() -> None:
    with pytest.raises(SettingsRejected):
        replica_of(MemoryStore())
