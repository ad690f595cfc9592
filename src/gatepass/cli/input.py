"""Reads passwords and tokens for commands, never from arguments."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gatepass.cli import needs
from gatepass.cli.output import say
from gatepass.errors import SettingsRejected

if TYPE_CHECKING:
    from gatepass.server.administration import Administration

_SESSION_ID: Final = re.compile(r"[0-9a-f]{34}")
_MAX_TOKEN: Final = 65_536

PasswordOnStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


def read_password(*, on_stdin: bool) -> str:
    """The password: the first line of standard input, or typed twice without being shown."""
    if on_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise typer.BadParameter("standard input holds no password")
        return password
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask on: use --password-stdin")
    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return str(password)


def read_token() -> str:
    """The token on standard input, with or without `Bearer` before it."""
    if sys.stdin.isatty():
        say("paste the token, then press Enter")
        text = sys.stdin.readline()
    else:
        text = sys.stdin.read(_MAX_TOKEN)
    token = text.strip()
    scheme, _, rest = token.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else token


def find_here() -> Path:
    """The current folder.

    Raises:
        SettingsRejected: The current folder was removed.
    """
    try:
        return Path.cwd()
    except OSError as error:
        raise SettingsRejected("the folder that this runs in is gone: change to another") from error


def require_session_id(text: str, sentence: str) -> None:
    """Return if this is an id of a session or key; the sentence says how one looks."""
    if not _SESSION_ID.fullmatch(text):
        raise typer.BadParameter(sentence)


@contextmanager
def administration(*, create: bool = False) -> Iterator["Administration"]:
    """The state of this folder or environment; only commands that may `create` make one."""
    with needs("server"):
        from gatepass.server.administration import administer  # noqa: PLC0415 - an extra

    with administer(os.environ, find_here(), create=create, warn=say) as opened:
        yield opened
