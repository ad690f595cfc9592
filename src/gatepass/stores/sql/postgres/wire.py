"""One statement and its rows over libpq, as a generator that says what it waits for.

It does no waiting itself, so that the twins share it and each waits with a deadline: the
driver's own cursors wait for a frozen server for ever. Parameters and results are binary.
"""

import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from select import POLLIN, POLLOUT
from typing import Any, Final

from psycopg.pq import DiagnosticField, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

Row = tuple[Any, ...]
Exchange = Generator[int, int, list[Row]]
"""Yields the events to wait for, is sent those that came, and returns rows."""

BOOL: Final = 16
BYTES: Final = 17
NUMBER: Final = 20
TEXT: Final = 25

_IN_AND_OUT: Final = POLLIN | POLLOUT
_GOOD: Final = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
_UNKEPT: Final = re.compile("[\0\ud800-\udfff]")


def _text(value: str) -> bytes:
    """UTF-8; what no text in PostgreSQL can hold, no stored id has, and stands for one another."""
    return _UNKEPT.sub("\ufffd", value).encode()


_ENCODE: Final[dict[int, Callable[[Any], bytes]]] = {
    BOOL: lambda value: b"\1" if value else b"\0",
    BYTES: lambda value: b"" + value,  # nothing but bytes
    NUMBER: lambda value: value.to_bytes(8, "big", signed=True),
    TEXT: _text,
}


def _number(value: bytes) -> int:
    return int.from_bytes(value, "big", signed=True)


_DECODE: Final[dict[int, Callable[[bytes], Any]]] = {
    BOOL: b"\1".__eq__,
    BYTES: bytes,
    18: bytes.decode,  # "char"
    19: bytes.decode,  # name
    NUMBER: _number,
    23: _number,  # integer
    TEXT: bytes.decode,
    1043: bytes.decode,  # varchar
}
"""By the type's number in the system catalog, which never changes."""


class Refused(Exception):
    """The server's own answer, an SQLSTATE; the statement was rolled back."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with parameters `$1`, `$2` …, and the type of each."""

    name: bytes
    text: bytes
    types: tuple[int, ...]

    def encode(self, values: Sequence[Any]) -> list[bytes | None]:
        """The values as they are sent.

        Raises:
            TypeError, ValueError, AttributeError, OverflowError: A value of another type.
        """
        return [
            None if value is None else _ENCODE[kind](value)
            for kind, value in zip(self.types, values, strict=True)
        ]


def prepare(connection: PGconn, statement: Statement) -> Exchange:
    """Have the server parse a statement once for this connection."""
    connection.send_prepare(statement.name, statement.text, statement.types)
    return (yield from _receive(connection))


def execute(connection: PGconn, statement: Statement, values: list[bytes | None]) -> Exchange:
    """Run a prepared statement."""
    formats = [Format.BINARY] * len(values)
    connection.send_query_prepared(statement.name, values, formats, Format.BINARY)
    return (yield from _receive(connection))


def execute_once(connection: PGconn, statement: Statement, values: list[bytes | None]) -> Exchange:
    """Run a statement that nobody prepared."""
    formats = [Format.BINARY] * len(values)
    connection.send_query_params(statement.text, values, statement.types, formats, Format.BINARY)
    return (yield from _receive(connection))


def _receive(connection: PGconn) -> Exchange:
    """Send the queued bytes, and gather the rows of the answer.

    Raises:
        Refused: The server's own error.
        psycopg.OperationalError: The connection broke.
    """
    while connection.flush():
        if (yield _IN_AND_OUT) & ~POLLOUT:
            connection.consume_input()
    rows: list[Row] = []
    refusal: Refused | None = None
    while True:
        while connection.is_busy():
            yield POLLIN
            connection.consume_input()
        result = connection.get_result()
        if result is None:
            break
        if result.status in _GOOD:
            rows += _rows_of(result)
        else:
            state = result.error_field(DiagnosticField.SQLSTATE) or b""
            refusal = Refused(state.decode())
    if refusal is not None:
        raise refusal
    return rows


def _rows_of(result: PGresult) -> list[Row]:
    decode = [_DECODE[result.ftype(column)] for column in range(result.nfields)]
    return [
        tuple(
            None if (value := result.get_value(row, column)) is None else read(value)
            for column, read in enumerate(decode)
        )
        for row in range(result.ntuples)
    ]
