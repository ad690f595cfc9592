"""The databases as the server and the command line open them: checked before anything starts."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Final

from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.passwords import Passwords
from gatepass.server.accounts import Accounts
from gatepass.server.events import EventSettings, EventTable
from gatepass.server.state import Environment, State
from gatepass.sessions import Store
from gatepass.stores.sql import SqlStore
from gatepass.stores.sql.guarded import require_guarded
from gatepass.stores.sql.transactions import pooled_engine_of

_NOBODY: Final = "nobody"


def open_accounts(state: State, passwords: Passwords) -> Accounts:
    """The accounts; a SQLite file is made and migrated, other databases are only checked.

    Raises:
        StoreUnavailable: The database cannot be opened.
        StoreOutdated: Its tables are of another release, or missing.
    """
    url = state.settings.sql_url
    store = SqlStore.from_url(url)
    with _named("DATABASE_URL"), closing(store):
        if state.database_file is not None:
            store.upgrade()
        else:
            store.subject_epoch(_NOBODY)
    return Accounts(pooled_engine_of(url), passwords, state.settings.policy)


def open_events(state: State, settings: EventSettings) -> EventTable:
    """The table of events beside the accounts, once these have been opened."""
    return EventTable(pooled_engine_of(state.settings.sql_url), settings)


def check_events(state: State, settings: EventSettings) -> None:
    """Check that the table of events can be written, if events are kept.

    Raises:
        StoreUnavailable: The database does not answer, or does not let this role write.
        StoreOutdated: The table is missing.
    """
    if settings.days:
        table = open_events(state, settings)
        with _named("DATABASE_URL: gatepass_events cannot be written"), closing(table):
            table.check()


def check_sessions(state: State, warn: Callable[[str], object]) -> None:
    """Check that the environment's database can keep sessions, and keeps them durably.

    Args:
        state: The settings and databases to serve.
        warn: Takes one sentence for each thing that an operator should know.

    Raises:
        SettingsRejected: In production, the database would lose logins or revocations; in any
            environment, others can change its file.
        StoreUnavailable: The database does not answer.
    """
    require_guarded(state.settings.sql_url, warn)
    store = state.settings.store()
    name = "DATABASE_URL" if isinstance(store, SqlStore) else "REDIS_URL"
    with _named(name), closing(store):
        store.subject_epoch(_NOBODY)
        for sentence, is_severe in _findings(store):
            if is_severe and state.environment is Environment.PRODUCTION:
                raise SettingsRejected(sentence)
            warn(sentence)


@contextmanager
def _named(variable: str) -> Iterator[None]:
    """Begin the sentence about an outage with the variable that names the database."""
    try:
        yield
    except StoreUnavailable as error:
        raise type(error)(f"{variable}: {error}") from error


def _findings(store: Store) -> list[tuple[str, bool]]:
    check = getattr(store, "check", None)  # of Redis alone, which may not be installed
    return [] if check is None else [(str(found), found.is_severe) for found in check()]
