"""`AsyncSqlStore`: the twin of `SqlStore` that never makes an event loop wait."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Engine

from gatepass.stores.sql.engines import async_engine_of, postgres_part, require_usable_async
from gatepass.stores.sql.sqlite.async_database import AsyncSqliteDatabase
from gatepass.stores.sql.sqlite.work import SqliteWork
from gatepass.stores.twins import AwaitedStore

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine


class AsyncSqlStore(AwaitedStore):
    """`SqlStore` for `await`; its promises are the same. One serves any number of event loops.

    On SQLite it takes an `Engine`: the revocation check runs where it is called, in
    microseconds, as long as no lock is in the way, and everything else runs in threads. On
    PostgreSQL it takes an `AsyncEngine`.
    """

    def __init__(
        self,
        engine: "Engine | AsyncEngine",
        *,
        clock: Callable[[], float] | None = None,
        schema: str | None = None,
    ) -> None:
        require_usable_async(engine, schema)
        self.engine = engine
        self.database = engine.dialect.name
        self.clock = clock
        self.schema = schema
        if isinstance(engine, Engine):
            work: Any = SqliteWork(clock)
            runner: Any = AsyncSqliteDatabase(engine)
        else:
            postgres = postgres_part()
            work = postgres.PostgresWork(schema, clock)
            runner = postgres.AsyncPostgresPool(engine, schema)
        self.work = work
        super().__init__(work, runner)

    @classmethod
    def from_url(
        cls, url: str, *, clock: Callable[[], float] | None = None, schema: str | None = None
    ) -> Self:
        """See `SqlStore.from_url`."""
        return cls(async_engine_of(url), clock=clock, schema=schema)

    async def upgrade(self) -> None:
        """See `SqlStore.upgrade`."""
        if isinstance(self.engine, Engine):
            await self.is_revoked(None, None)
        else:
            await postgres_part().upgrade_async(self.engine, self.schema)
