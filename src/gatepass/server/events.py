"""Events of the server and its commands: in a table, for some days, and as lines of the log."""

import itertools
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import structlog
from sqlalchemy import Engine, delete, false, select
from sqlalchemy.dialects import postgresql, sqlite

from gatepass._clock import wall_clock
from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.events import Event, EventKind
from gatepass.events.queued import Batches
from gatepass.settings.values import parse_number
from gatepass.stores.sql.tables import OF_STRANGERS, STRANGERS
from gatepass.stores.sql.tables import events as _table
from gatepass.stores.sql.transactions import durable_transaction

_DAYS: Final = "GATEPASS_EVENT_DAYS"
_LOG: Final = "GATEPASS_EVENTS_LOG"
_DEFAULT_DAYS: Final = 30
_MOST_DAYS: Final = 3_650
_DAY_MS: Final = 86_400_000
_INSERT: Final[Mapping[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_MOST_OF_STRANGERS: Final = 1_000_000
"""Rows of `STRANGERS` that a purge leaves, so that nobody can fill the disk."""
_MOST_IN_A_MINUTE: Final = 1_000
"""Rows of each of those kinds that a process adds between two purges, by the events' time."""
_PIECE: Final = 500
_LINGER_S: Final = 0.5
_PAUSE_S: Final = 1.0
_log = structlog.stdlib.get_logger("gatepass.events")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSettings:
    """How events are kept."""

    days: int = _DEFAULT_DAYS
    """How long the table keeps them; 0: it keeps none."""
    are_logged: bool = False


def read_event_settings(environ: Mapping[str, str]) -> EventSettings:
    """The environment's settings.

    Raises:
        SettingsRejected: A variable is out of bounds.
    """
    try:
        days = parse_number(environ.get(_DAYS) or str(_DEFAULT_DAYS))
    except SettingsRejected:
        days = _MOST_DAYS + 1
    if days > _MOST_DAYS:
        raise SettingsRejected(f"{_DAYS} is a whole number of days from 0 to {_MOST_DAYS}")
    log = environ.get(_LOG) or None
    if log not in {None, "json"}:
        raise SettingsRejected(f"{_LOG} is json, or not set")
    return EventSettings(days=days, are_logged=log is not None)


class EventTable:
    """The rows of events, in the database of the accounts.

    Raises:
        StoreUnavailable: The database did not answer within two seconds, or is gone.
    """

    def __init__(self, engine: Engine, settings: EventSettings) -> None:
        """Use a database that has the tables."""
        self.settings = settings
        self._insert = _INSERT[engine.dialect.name](_table).on_conflict_do_nothing()
        self._transaction = partial(durable_transaction, engine)
        self.close: Callable[[], None] = engine.dispose
        """Gives back the connections."""
        self._name, self._numbers = secrets.token_hex(8), itertools.count()

    def check(self) -> None:
        """Do nothing, with all rights that the server needs."""
        nothing = select(_table).where(false())
        with self._transaction() as connection:
            connection.execute(self._insert.from_select(list(_table.c), nothing))
            connection.execute(delete(_table).where(false()))

    def number(self, events: Iterable[Event]) -> list[dict[str, Any]]:
        """The events as rows, each with an id: rows that are added twice are there once."""
        return [
            {"event_id": f"{self._name}{next(self._numbers):010x}", **_columns(event)}
            for event in events
        ]

    def add(self, rows: list[dict[str, Any]]) -> None:
        """Add rows, unless none are to be kept."""
        if self.settings.days:
            with self._transaction() as connection:
                connection.execute(self._insert, rows)

    def write(self, event: Event) -> None:
        """Add one event now, as a command does."""
        self.add(self.number([event]))

    def find(
        self, *, subject: str | None = None, session_id: str | None = None, limit: int = 100
    ) -> list[Event]:
        """The newest events, the newest first.

        Args:
            subject: Only those of this subject, and of the sessions it opened.
            session_id: Only those of this session.
            limit: The most to return.
        """
        query = select(_table).order_by(_table.c.at_ms.desc(), _table.c.event_id.desc())
        if subject is not None:
            own = select(_table.c.session_id).where(
                _table.c.subject == subject, _table.c.session_id.is_not(None)
            )
            query = query.where((_table.c.subject == subject) | _table.c.session_id.in_(own))
        if session_id is not None:
            query = query.where(_table.c.session_id == session_id)
        with self._transaction() as connection:
            return [_event(row._asdict()) for row in connection.execute(query.limit(limit))]

    def purge(self, now: float | None = None, *, most: int = _MOST_OF_STRANGERS) -> int:
        """Remove events older than the setting, and strangers' beyond `most`; how many."""
        now_ms = int((wall_clock() if now is None else now) * 1000)
        gone = self._remove(_table.c.at_ms < now_ms - self.settings.days * _DAY_MS)
        newest_first = select(_table.c.at_ms).where(OF_STRANGERS).order_by(_table.c.at_ms.desc())
        with self._transaction() as connection:
            last = connection.execute(newest_first.offset(most).limit(1)).scalar()
        return gone if last is None else gone + self._remove(OF_STRANGERS, _table.c.at_ms <= last)

    def _remove(self, *conditions: Any) -> int:
        """Remove rows some at a time, so that no writer waits for long."""
        gone = 0
        while True:
            ids = select(_table.c.event_id).where(*conditions).limit(_PIECE)
            with self._transaction() as connection:
                removed = connection.execute(delete(_table).where(_table.c.event_id.in_(ids)))
            gone += removed.rowcount
            if removed.rowcount < _PIECE:
                return gone


class EventWriter:
    """The hook of the server: a queue, and a thread that logs and adds its events.

    While the database does not answer, events wait. Those that no longer fit, and those of
    strangers beyond `_MOST_IN_A_MINUTE`, are dropped, counted and logged.
    """

    def __init__(self, table: EventTable, *, size: int = 10_000) -> None:
        self.table = table
        self._ending = threading.Event()
        self._has_given_up = False
        self._minute, self._of_minute = 0, Counter[EventKind]()
        self.queue = Batches(self._write, size=size, linger=_LINGER_S)
        settings = table.settings
        self.hook = self.queue if settings.days or settings.are_logged else None
        """A manager's `on_event`; `None` where nothing is kept."""

    def close(self) -> None:
        """Write what waits, with one more try if the database is down, and close the table."""
        self._ending.set()
        self.queue.close()
        self.table.close()

    def _write(self, events: list[Event]) -> None:
        if self.table.settings.are_logged:
            for event in events:
                _log.info("event", **as_fields(event))
        if not self.table.settings.days:
            return
        kept = [event for event in events if self._has_room(event)]
        self.queue.drop(len(events) - len(kept))
        if kept and not self._add(self.table.number(kept)):
            self.queue.drop(len(kept))

    def _has_room(self, event: Event) -> bool:
        """Whether the table takes the event; kinds count apart, so that none hides another."""
        minute = int(event.at // 60)
        if minute != self._minute:
            self._minute, self._of_minute = minute, Counter()
        self._of_minute[event.kind] += 1
        return event.kind not in STRANGERS or self._of_minute[event.kind] <= _MOST_IN_A_MINUTE

    def _add(self, rows: list[dict[str, Any]]) -> bool:
        """Add the rows, however long it takes; at the end, one failed try gives up all."""
        has_failed = False
        while not self._has_given_up:
            is_last = self._ending.is_set()
            try:
                self.table.add(rows)
            except StoreUnavailable as error:
                if is_last or not has_failed:
                    told = "events are lost" if is_last else "events wait for the database"
                    _log.warning(told, cause=str(error))
                has_failed, self._has_given_up = True, is_last
                self.queue.log_dropped()
                self._ending.wait(_PAUSE_S)
            else:
                return True
        return False


def as_fields(event: Event) -> dict[str, str | None]:
    """The event as JSON has it: the time in ISO 8601."""
    at = datetime.fromtimestamp(event.at, tz=UTC).isoformat(timespec="milliseconds")
    return {name: getattr(event, name) for name in Event.__slots__} | {"at": at}


def _columns(event: Event) -> dict[str, Any]:
    row: dict[str, Any] = {name: _text(getattr(event, name)) for name in _TEXTS}
    return {"at_ms": int(event.at * 1000), **row}


_TEXTS: Final = tuple(name for name in Event.__slots__ if name != "at")


def _text(value: str | None) -> str | None:
    """The text without what a database or a terminal chokes on."""
    return None if value is None else "".join(filter(str.isprintable, value))


def _event(row: dict[str, Any]) -> Event:
    texts = {name: row[name] for name in _TEXTS if name != "kind"}
    return Event(kind=EventKind(row["kind"]), at=row["at_ms"] / 1000, **texts)
