"""Accounts and sessions for the command line, of the state that `serve` uses too."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gatepass._secret_files import with_files
from gatepass.errors import StoreUnavailable
from gatepass.events import Event, EventKind
from gatepass.manager import TokenManager
from gatepass.passwords import Passwords
from gatepass.server.accounts import Accounts
from gatepass.server.databases import open_accounts, open_events
from gatepass.server.events import EventTable, read_event_settings
from gatepass.server.state import find_state
from gatepass.stores.sql.guarded import require_guarded


@dataclass(frozen=True, slots=True, kw_only=True)
class Administration:
    """The accounts, their events, and the manager over their sessions."""

    accounts: Accounts
    events: EventTable
    manager: TokenManager

    def tell(self, kind: EventKind, username: str) -> None:
        """Keep an event about this account."""
        self.manager.tell(kind, subject=self.accounts.get(username).subject)


@contextmanager
def administer(
    environ: Mapping[str, str], here: Path, *, create: bool, warn: Callable[[str], object]
) -> Iterator[Administration]:
    """Open the state of this folder or environment; see `find_state` and `require_guarded`.

    Raises:
        SettingsRejected: No state is there, a setting is bad, or others can change the database.
        StoreUnavailable: The database cannot be opened.
    """
    state = find_state(with_files(environ), here, create=create)
    require_guarded(state.settings.sql_url, warn)
    settings = read_event_settings(environ)
    accounts = open_accounts(state, Passwords())
    events = open_events(state, settings)

    def keep(event: Event) -> None:
        try:
            events.write(event)
        except StoreUnavailable as error:
            warn(f"done, but the event {event.kind} was not kept: {error}")

    own = state.settings.manager
    with own(load_claims=accounts.load_claims, on_event=keep) as manager:
        yield Administration(accounts=accounts, events=events, manager=manager)
