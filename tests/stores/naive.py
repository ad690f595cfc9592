"""A store as many write it, to show what the races would notice."""

from sqlalchemy import Connection, select, update

from gatepass.sessions import RotationFact, RotationPlan, Session, rotate
from gatepass.stores.sql import tables
from gatepass.stores.sql.engines import engine_of
from gatepass.stores.sql.rows import COLUMNS, row_of, session_of
from tests.stores.plans import START


class NaiveStore:
    """The control: reads, decides and writes without a lock in between, as many do."""

    def __init__(self, url: str) -> None:
        self._engine = engine_of(url)

    def rotate(self, plan: RotationPlan) -> RotationFact:
        with self._engine.connect() as connection:
            session = self._find(connection, plan.session_id)
            fact = rotate(session, plan, int(START * 1000))
            if fact.session is not None:
                values = row_of(fact.session)
                row = tables.sessions.c.session_id == values.pop("session_id")
                connection.execute(update(tables.sessions).where(row).values(values))
                connection.commit()
            return fact

    @staticmethod
    def _find(connection: Connection, session_id: str) -> Session:
        columns = [tables.sessions.c[name] for name in COLUMNS]
        query = select(*columns).where(tables.sessions.c.session_id == session_id)
        session = session_of(connection.execute(query).one())
        connection.rollback()
        return session
