"""Adds accounts of a file that are not there yet, in batches; running it again is safe."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, TextIO

from sqlalchemy.exc import IntegrityError

from gatepass.errors import StoreUnavailable
from gatepass.server.account import Account
from gatepass.server.account_rows import AccountRow, read_names, read_rows
from gatepass.server.accounts import Accounts
from gatepass.server.errors import AccountRejected

_BATCH: Final = 500
_ATTEMPTS: Final = 5


@dataclass(slots=True)
class _Lines:
    """Which lines have a value."""

    _first: dict[str, int] = field(default_factory=dict)
    _second: dict[str, int] = field(default_factory=dict)
    """Of values that several lines have."""

    def note(self, value: str, line: int) -> None:
        if self._first.setdefault(value, line) != line:
            self._second.setdefault(value, line)

    def other_than(self, line: int, value: str) -> int | None:
        """Another line that has the value."""
        second = self._second.get(value)
        return second if second is None or self._first[value] == line else self._first[value]


@dataclass(slots=True, kw_only=True)
class AccountImport:
    """One run over a file, and how many rows came to which end.

    A user name or subject of several rows goes to none of them, so that no row takes the account
    of a later one. The file is read twice, first for the names alone. These and the subjects stay
    in memory, some hundred bytes each; the rest of a row does not outlive its batch.
    """

    accounts: Accounts
    tell: Callable[[int, str], object]
    """Takes the line of each row that is rejected, and a sentence that says why."""
    dry_run: bool = False
    added: int = 0
    present: int = 0
    rejected: int = 0
    _usernames: _Lines = field(default_factory=_Lines)
    _subjects: _Lines = field(default_factory=_Lines)

    def run(self, file: TextIO) -> None:
        """Add the accounts; each batch is durable before the next is read. See `read_rows`.

        Args:
            file: Can be read again from its beginning.

        Raises:
            AccountRejected: The first line of the file does not name the columns.
            StoreUnavailable: The database did not answer; earlier batches are kept.
        """
        for line, username, subject in read_names(file):
            self._usernames.note(username, line)
            if subject:
                self._subjects.note(subject, line)
        file.seek(0)
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
                self._require_alone(row)
                self.accounts.require_fitting(row.account)
            except AccountRejected as error:
                self._reject(row.line, str(error))
            else:
                yield row

    def _require_alone(self, row: AccountRow) -> None:
        other = self._usernames.other_than(row.line, row.account.username)
        if other is not None:
            raise AccountRejected(
                f"line {other} has this user name too, perhaps in another spelling: "
                "neither is added"
            )
        other = self._subjects.other_than(row.line, row.account.subject)
        if other is not None:
            raise AccountRejected(f"line {other} has this subject too: neither is added")

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
