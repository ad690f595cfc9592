"""`SqlStore`: sessions, epochs and revocations in a SQL database, from any number of threads."""

from collections.abc import Callable
from typing import Any, Self

from sqlalchemy import Engine

from gatepass.stores.sql.engines import engine_of, is_postgres, postgres_part, require_usable
from gatepass.stores.sql.sqlite.database import SqliteDatabase
from gatepass.stores.sql.sqlite.work import SqliteWork
from gatepass.stores.twins import BlockingStore


class SqlStore(BlockingStore):
    """Sessions in SQLite or PostgreSQL.

    A SQLite file is made and migrated on first use, and several processes may use it; a deleted
    or replaced file is a failure: it is neither made again nor taken for the first. The tables
    in PostgreSQL are made by `gatepass db upgrade` or `upgrade()`. Every operation has two
    seconds. On SQLite `revoke_all` is one transaction, about a second for a hundred thousand
    sessions, in which nobody else writes; on PostgreSQL sessions opened meanwhile may end too.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Callable[[], float] | None = None,
        schema: str | None = None,
    ) -> None:
        require_usable(engine, schema)
        self.engine = engine
        self.database = engine.dialect.name
        self.clock = clock
        self.schema = schema
        if is_postgres(engine):
            postgres = postgres_part()
            work: Any = postgres.PostgresWork(schema, clock)
            runner: Any = postgres.PostgresPool(engine, schema)
        else:
            work, runner = SqliteWork(clock), SqliteDatabase(engine)
        self.work = work
        super().__init__(work, runner)

    @classmethod
    def from_url(
        cls, url: str, *, clock: Callable[[], float] | None = None, schema: str | None = None
    ) -> Self:
        """A store on `sqlite:///gate.db`, `sqlite:////absolute/gate.db` or `postgresql://…`.

        Raises:
            SettingsRejected: The URL names a database that is not supported, or whose driver
                is not installed.
        """
        return cls(engine_of(url), clock=clock, schema=schema)

    def upgrade(self) -> None:
        """Bring the tables up to date, making them and a SQLite file if need be.

        Any number of processes may do so at once; on PostgreSQL one waits half a minute for
        another at most.
        """
        if is_postgres(self.engine):
            postgres_part().upgrade(self.engine, self.schema)
        else:
            self.is_revoked(None, None)  # the first use makes the file and its tables
