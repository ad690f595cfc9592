"""The rows of a CSV file of accounts, one after another in bounded memory (no database)."""

import csv
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TextIO

from gatepass.errors import HashRejected
from gatepass.passwords import require_hash
from gatepass.server.account import Account
from gatepass.server.errors import AccountRejected
from gatepass.server.usernames import parse_username

_MAX_LINE: Final = 16_384
"""Characters; the longest fields together are far below."""
_NEEDED: Final = ("username", "password_hash")
_COLUMNS: Final = (*_NEEDED, "email", "role", "disabled", "subject")
_YES: Final = frozenset({"1", "t", "true", "y", "yes"})
_NO: Final = frozenset({"", "0", "f", "false", "n", "no"})


@dataclass(frozen=True, slots=True)
class AccountRow:
    """The account of one row."""

    line: int
    account: Account
    has_subject: bool
    """Whether the row names the subject; otherwise it is random."""


def read_rows(file: TextIO, reject: Callable[[int, str], object]) -> Iterator[AccountRow]:
    """The accounts of the rows that are sound.

    Args:
        file: Opened with `newline=""` and `errors="surrogateescape"`.
        reject: Takes the first line of each other row, and a sentence that says why.

    Raises:
        AccountRejected: The first line does not name the columns.
    """
    for line, columns, values in _records(file, reject):
        try:
            yield _read(line, _fields(columns, values))
        except (AccountRejected, HashRejected) as error:
            reject(line, str(error))


def read_names(file: TextIO) -> Iterator[tuple[int, str, str]]:
    """Line, user name and subject ("" is none) of each row with a user name, sound or not.

    Raises:
        AccountRejected: The first line does not name the columns.
    """
    for line, columns, values in _records(file, lambda *_: None):
        with suppress(AccountRejected):
            row = _fields(columns, values)
            yield line, parse_username(row["username"]), row["subject"]


def _records(
    file: TextIO, reject: Callable[[int, str], object]
) -> Iterator[tuple[int, list[str], list[str]]]:
    reader, line = csv.reader(_lines(file), strict=True), 1
    try:
        columns = _read_columns(next(reader, []))
        line = reader.line_num + 1
        for values in reader:
            if values:
                yield line, columns, values
            line = reader.line_num + 1
    except csv.Error as error:
        reject(line, f"{error}; nothing is read from here on")


def _lines(file: TextIO) -> Iterator[str]:
    while line := file.readline(_MAX_LINE + 1):
        if len(line) > _MAX_LINE:
            raise csv.Error(f"the line has more than {_MAX_LINE:,} characters")
        yield line


def _read_columns(names: list[str]) -> list[str]:
    if set(_NEEDED) <= set(names) <= set(_COLUMNS) and len(set(names)) == len(names):
        return names
    raise AccountRejected(
        f"the first line names the columns, with commas between them: {' and '.join(_NEEDED)}, "
        f"and if you like {', '.join(_COLUMNS[2:])}; each once, and no others"
    )


def _fields(columns: list[str], values: list[str]) -> dict[str, str]:
    if len(values) != len(columns):
        raise AccountRejected(f"{len(values)} fields, and the first line has {len(columns)}")
    if any("\ud800" <= character <= "\udfff" for character in "".join(values)):
        raise AccountRejected("the line is not UTF-8")
    return dict.fromkeys(_COLUMNS, "") | dict(zip(columns, values, strict=True))


def _read(line: int, row: dict[str, str]) -> AccountRow:
    disabled = row["disabled"].lower()
    if disabled not in _YES | _NO:
        raise AccountRejected("disabled is true or false")
    require_hash(row["password_hash"])
    account = Account.new(
        row["username"],
        row["password_hash"],
        email=row["email"] or None,
        role=row["role"] or "user",
        disabled=disabled in _YES,
        subject=row["subject"] or None,
    )
    return AccountRow(line, account, bool(row["subject"]))
