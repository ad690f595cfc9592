"""Prints results of commands on standard output, everything else on standard error."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDTH: Final = 10_000
"""Wider than any table: a terminal breaks lines so that ids can still be copied whole."""

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def say(sentence: str) -> None:
    """Print a remark on standard error, without control characters."""
    sys.stderr.write(f"gatepass: {printable(sentence)}\n")


def show(result: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """The result: as JSON, or this text."""
    _print(_dump(result) if as_json else text)


def show_table(
    name: str, rows: Sequence[Mapping[str, Any]], columns: Iterable[str], *, as_json: bool
) -> None:
    """The rows: as JSON under this name, or as a table of these columns."""
    if as_json:
        _print(_dump({name: rows}))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(row[column])) for column in columns))
    console = Console(width=_WIDTH)
    console.print(table)


def when(milliseconds: int) -> str:
    """A time for people and programs: ISO 8601 in UTC, whole seconds."""
    return datetime.fromtimestamp(milliseconds // 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def printable(text: str) -> str:
    """The text without characters that a terminal would obey."""
    return "".join(character for character in text if character.isprintable())


def _cell(value: object) -> str:
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return printable(text)


def _print(text: str) -> None:
    """Print now: at the end of the process a full disk would go unnoticed."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _dump(value: object) -> str:
    return json.dumps(value)
