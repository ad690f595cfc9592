"""Adds accounts of a file that are not there yet, in batches; running it again is safe."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, TextIO

from sqlalchemy.exc import IntegrityError

from gatepass.errors import StoreUnavailable
from gatepass.server.account import Account
from gatepass.server.account_rows import AccountRow, read_rows
from gatepass.server.accounts import Accounts
from gatepass.server.errors import AccountRejected

_BATCH: Final = 500
_ATTEMPTS: Final = 5


@dataclass(slots=True, kw_only=True)
class AccountImport:
    """One run over a file, and how many rows came to which end.

    The user names and subjects of the file stay in memory, some hundred bytes each; the rest of a
    row does not outlive its batch.
    """

    accounts: Accounts
    tell: Callable[[int, str], object]
    """Takes the line of each row that is rejected, and a sentence that says why."""
    dry_run: bool = False
    added: int = 0
    present: int = 0
    rejected: int = 0
    _usernames: set[str] = field(default_factory=set)
    _subjects: set[str] = field(default_factory=set)

    def run(self, file: TextIO) -> None:
        """Add the accounts; each batch is durable before the next is read. See `read_rows`.

        Raises:
            AccountRejected: The first line of the file does not name the columns.
            StoreUnavailable: The database did not answer; earlier batches are kept.
        """
        rows = self._sound(file)
        while batch := list(islice(rows, _BATCH)):
            for _ in range(_ATTEMPTS):
                if self._add(batch):
                    break
            else:
                raise StoreUnavailable("others keep adding the same accounts: run it again")

    def _reject(self, line: int, reason: str) -> None:
        self.rejected += 1
        self.tell(line, reason)

    def _sound(self, file: TextIO) -> Iterator[AccountRow]:
        for row in read_rows(file, self._reject):
            try:
                self._require_new(row)
                self.accounts.require_fitting(row.account)
            except AccountRejected as error:
                self._reject(row.line, str(error))
            else:
                yield row

    def _require_new(self, row: AccountRow) -> None:
        """Compare with the lines before."""
        if row.account.username in self._usernames:
            raise AccountRejected("an earlier line has this user name, perhaps in another spelling")
        self._usernames.add(row.account.username)
        if row.has_subject:
            if row.account.subject in self._subjects:
                raise AccountRejected("an earlier line has this subject")
            self._subjects.add(row.account.subject)

    def _add(self, batch: list[AccountRow]) -> bool:
        """Add those that are not there yet; `False`: somebody has just added one of them."""
        named = [row.account.subject for row in batch if row.has_subject]
        found = self.accounts.find_any([row.account.username for row in batch], named)
        of_name = {account.username: account for account in found}
        of_subject = {account.subject: account for account in found}
        fresh: list[Account] = []
        clashes: list[tuple[int, str]] = []
        for row in batch:
            there = of_name.get(row.account.username)
            owner = of_subject.get(row.account.subject)
            if there is not None and row.has_subject and there is not owner:
                clashes.append((row.line, "an account of this user name has another subject"))
            elif there is None and owner is not None:
                clashes.append((row.line, "an account of another user name has this subject"))
            elif there is None:
                fresh.append(row.account)
        if fresh and not self.dry_run:
            try:
                self.accounts.add_all(fresh)
            except IntegrityError:
                return False
        self.added += len(fresh)
        self.present += len(batch) - len(fresh) - len(clashes)
        for line, reason in clashes:
            self._reject(line, reason)
        return True
