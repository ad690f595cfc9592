"""Accounts and sessions for the command line, of the state that `serve` uses too."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gatepass._secret_files import with_files
from gatepass.manager import TokenManager
from gatepass.passwords import Passwords
from gatepass.server.accounts import Accounts
from gatepass.server.databases import open_accounts
from gatepass.server.state import find_state
from gatepass.stores.sql.guarded import require_guarded


@dataclass(frozen=True, slots=True, kw_only=True)
class Administration:
    """The accounts, and the manager over their sessions."""

    accounts: Accounts
    manager: TokenManager


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
    accounts = open_accounts(state, Passwords())
    with state.settings.manager(load_claims=accounts.load_claims) as manager:
        yield Administration(accounts=accounts, manager=manager)
