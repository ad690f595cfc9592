"""What the command line works on: accounts and sessions of the state that `serve` uses too."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gatepass.manager import TokenManager
from gatepass.server.accounts import Accounts
from gatepass.server.passwords import Passwords
from gatepass.server.state import find_state
from gatepass.stores.sql import SqlStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Administration:
    """The accounts, and the manager over their sessions."""

    accounts: Accounts
    manager: TokenManager


@contextmanager
def administer(environ: Mapping[str, str], here: Path, *, create: bool) -> Iterator[Administration]:
    """Open the state of this folder or environment; see `find_state`.

    Raises:
        SettingsRejected: There is none, or a setting is bad.
        StoreUnavailable: The database cannot be opened.
    """
    state = find_state(environ, here, create=create)
    store = SqlStore.from_url(state.database_url)
    accounts = Accounts(store.engine, Passwords())
    with state.settings.manager(store, load_claims=accounts.load_claims) as manager:
        store.upgrade()
        yield Administration(accounts=accounts, manager=manager)
