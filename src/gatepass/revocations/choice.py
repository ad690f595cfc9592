"""The replica that belongs to a store, for those who take any store."""

from importlib import import_module
from typing import Any, Final

from gatepass.errors import SettingsRejected
from gatepass.revocations.staleness import MAX_STALENESS_S, WhenStale

_NAMES: Final = {
    "redis": ("RedisReplica", "AsyncRedisReplica"),
    "postgresql": ("PostgresReplica", "AsyncPostgresReplica"),
    "sqlite": ("SqliteReplica", "AsyncSqliteReplica"),
}
_MODULES: Final = {"postgresql": "postgres"}


def replica_of(
    store: Any,
    *,
    max_staleness: float = MAX_STALENESS_S,
    when_stale: WhenStale = WhenStale.ASK,
) -> Any:
    """The replica of a `SqlStore` or `RedisStore`, async for an async one; managers take it.

    On SQLite it is never stale, so that `max_staleness` and `when_stale` do not matter.

    Raises:
        SettingsRejected: There is none for such a store, or `max_staleness` is out of bounds.
    """
    module = type(store).__module__
    database = "redis" if module.startswith("gatepass.stores.redis") else None
    if module.startswith("gatepass.stores.sql"):
        database = store.engine.dialect.name
    if database not in _NAMES:
        raise SettingsRejected("there is no replica for a store of this kind")
    part = import_module(f"gatepass.revocations.{_MODULES.get(database, database)}")
    kind: Any = getattr(part, _NAMES[database][store.is_async])
    if database == "sqlite":
        return kind(store)
    return kind(store, max_staleness=max_staleness, when_stale=when_stale)
