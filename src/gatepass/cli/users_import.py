"""`gatepass users import`: accounts of another application, with their password hashes."""

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Annotated, Final, TextIO

import typer
from rich.console import Console
from rich.progress import Progress

from gatepass.cli import needs
from gatepass.cli.input import administration
from gatepass.cli.output import AsJson, say, show
from gatepass.errors import SettingsRejected

EPILOG: Final = """\
\b
Examples:
  gatepass users import users.csv --dry-run
  gatepass users import users.csv
  gatepass users import users.csv --json
"""

_IN_MEMORY: Final = 2**26
"""Bytes of a pipe; the rest goes to a temporary file that has no name."""
File = Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file in UTF-8.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check every row, and add nothing.")]


def import_users(file: File, *, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Add the accounts of a CSV file that are not there yet; repeating is safe.

    The first line names the columns: username and password_hash, and if you like email, role,
    disabled and subject. Hashes of Django, Werkzeug, passlib, argon2, bcrypt and sha512-crypt are
    kept, and made anew at the first login. Accounts that are there already stay as they are. Rows
    that are rejected are listed with their lines and reasons; the exit code is then 1, and the
    other rows are added.
    """
    rejected: list[dict[str, object]] = []

    def tell(line: int, reason: str) -> None:
        rejected.append({"line": line, "reason": reason})
        if not as_json:
            say(f"line {line}: {reason}")

    with administration(create=not dry_run) as opened, _reading(file) as text:
        from gatepass.server.account_import import AccountImport  # noqa: PLC0415 - an extra

        run = AccountImport(accounts=opened.accounts, tell=tell, dry_run=dry_run)
        with needs("migrate"):
            run.run(text)
    counts = {"added": run.added, "present": run.present}
    verb = "would be added" if dry_run else "added"
    sentence = f"{verb}: {run.added}, there already: {run.present}, rejected: {run.rejected}"
    show(counts | {"rejected": rejected}, sentence, as_json=as_json)
    if run.rejected:
        raise typer.Exit(1)


@contextmanager
def _reading(file: Path) -> Iterator[TextIO]:
    """The text of the file; on a terminal a bar shows how much of it is read."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        try:
            opened = progress.open(file, "rb", description="importing")
        except OSError as error:
            raise SettingsRejected(f"{file} cannot be read: {error.strerror}") from error
        with opened, SpooledTemporaryFile(_IN_MEMORY) as kept:
            if not opened.seekable():  # an import reads twice, and a pipe can be read once
                shutil.copyfileobj(opened, kept)
                kept.seek(0)
            readable = opened if opened.seekable() else kept
            # A spreadsheet begins UTF-8 with a mark; other encodings reject their rows alone.
            yield io.TextIOWrapper(
                readable, encoding="utf-8-sig", errors="surrogateescape", newline=""
            )
