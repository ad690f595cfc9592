"""`gatepass keys`: the keys that sign access tokens, from their announcement to their removal."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from gatepass.cli.input import administration
from gatepass.cli.output import AsJson, say, show, show_table, when
from gatepass.errors import GatepassError, SettingsRejected
from gatepass.events import EventKind
from gatepass.jose import SigningKey
from gatepass.keyfile import Entry, KeyFile, Ring, State
from gatepass.tokens.durations import parse_duration

app = typer.Typer(
    help="Make, publish, promote, retire and remove the keys of access tokens.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_COLUMNS: Final = ("kid", "algorithm", "state", "step")
_DEFAULT_LIFETIME: Final = "15m"

File = Annotated[
    Path | None, typer.Option("--file", help="The key file, instead of GATEPASS_KEY_FILE.")
]
Kid = Annotated[str, typer.Argument(metavar="KID", help="The key's name, or its first characters.")]


@app.command(
    epilog="""\
\b
Examples:
  gatepass keys generate --file keys.json
  gatepass keys generate --algorithm EdDSA --lifetime 1h
"""
)
def generate(
    *,
    algorithm: Annotated[str, typer.Option(help="The algorithm of the key, e.g. ES256.")] = "ES256",
    lifetime: Annotated[
        str | None,
        typer.Option(help="How long tokens live at most; by default JWT_ACCESS_LIFETIME, or 15m."),
    ] = None,
    file: File = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. The first of a file signs at once; every other is `next` until promoted."""
    seconds = _seconds(lifetime or os.environ.get("JWT_ACCESS_LIFETIME") or _DEFAULT_LIFETIME)
    key = SigningKey.generate(algorithm)
    while (key.kid or "").startswith("-"):  # it would have to be typed as an argument
        key = SigningKey.generate(algorithm)
    ring = _change(file, lambda ring, now: ring.generate(key, lifetime_s=seconds, now=now))
    _show(ring.find(key.kid or ""), as_json=as_json)


@app.command(
    "list",
    epilog="""\
\b
Examples:
  gatepass keys list
  gatepass keys list --json
""",
)
def list_(*, file: File = None, as_json: AsJson = False) -> None:
    """List the keys, oldest first, and from when on the next step of each may be taken."""
    ring, _ = _key_file(file).read()
    show_table("keys", [_row(entry) for entry in ring.entries], _COLUMNS, as_json=as_json)


@app.command(
    epilog="""\
\b
Examples:
  gatepass keys publish Xq3f
"""
)
def publish(kid: Kid, *, file: File = None, as_json: AsJson = False) -> None:
    """Put a `next` key into the JWKS, so that everybody knows it before it signs."""
    ring = _change(file, lambda ring, now: ring.publish(ring.find(kid).kid, now=now))
    _show(ring.find(kid), as_json=as_json)


@app.command(
    epilog="""\
\b
Examples:
  gatepass keys promote Xq3f
  gatepass keys promote Xq3f --before-everybody-knows-it  # after a leak
"""
)
def promote(
    kid: Kid,
    *,
    early: Annotated[
        bool,
        typer.Option(
            "--before-everybody-knows-it",
            help="Do not wait: verifiers that do not know the key yet reject its tokens.",
        ),
    ] = False,
    file: File = None,
    as_json: AsJson = False,
) -> None:
    """Have a published key sign from now on; the primary before it is retired."""
    before: list[Entry | None] = []

    def step(ring: Ring, now: int) -> Ring:
        before.append(ring.primary)
        return ring.promote(ring.find(kid).kid, now=now, early=early)

    ring = _change(file, step)
    _tell(EventKind.KEY_PROMOTED, ring.find(kid).kid)
    if before[-1] is not None:
        _tell(EventKind.KEY_RETIRED, before[-1].kid)
    _show(ring.find(kid), as_json=as_json)


@app.command(
    epilog="""\
\b
Examples:
  gatepass keys retire Xq3f
"""
)
def retire(kid: Kid, *, file: File = None, as_json: AsJson = False) -> None:
    """Give up a `next` key that will not sign; promoting a key retires the one before it."""
    ring = _change(file, lambda ring, now: ring.retire(ring.find(kid).kid, now=now))
    _tell(EventKind.KEY_RETIRED, ring.find(kid).kid)
    _show(ring.find(kid), as_json=as_json)


@app.command(
    epilog="""\
\b
Examples:
  gatepass keys remove Xq3f
  gatepass keys remove Xq3f --refuse-tokens-that-have-not-expired  # after a leak
"""
)
def remove(
    kid: Kid,
    *,
    early: Annotated[
        bool,
        typer.Option(
            "--refuse-tokens-that-have-not-expired",
            help="Do not wait: tokens that it signed are rejected from now on.",
        ),
    ] = False,
    file: File = None,
    as_json: AsJson = False,
) -> None:
    """Remove a retired key, once the last token that anybody signed with it has expired."""
    gone: list[str] = []

    def step(ring: Ring, now: int) -> Ring:
        gone.append(ring.find(kid).kid)
        return ring.remove(gone[0], now=now, early=early)

    _change(file, step)
    show({"removed": gone[0]}, f"removed: {gone[0]}", as_json=as_json)


@app.command(
    epilog="""\
\b
Examples:
  gatepass keys export > jwks.json
  gatepass keys export Xq3f > public.pem
"""
)
def export(
    kid: Annotated[
        str | None, typer.Argument(metavar="KID", help="One key, as PEM; by default all, as JWKS.")
    ] = None,
    *,
    file: File = None,
) -> None:
    """Print the public keys that others verify with; private ones are never printed."""
    ring, _ = _key_file(file).read()
    if kid is not None:
        pem = ring.find(kid).public().to_pem().rstrip()
        show({}, pem, as_json=False)
        return
    jwks = ring.key_set().public_jwks()
    show({}, json.dumps(jwks, indent=2), as_json=False)


def _change(file: Path | None, step: Callable[[Ring, int], Ring]) -> Ring:
    return _key_file(file).change(lambda ring: step(ring, int(time.time())))


def _tell(kind: EventKind, kid: str) -> None:
    """Keep an event where this command knows the server's database; the step is done by then."""
    if not os.environ.get("DATABASE_URL"):
        return
    try:
        with administration() as opened:
            opened.manager.tell(kind, reason=kid)
    except GatepassError as error:
        say(f"done, but the event {kind} was not kept: {error}")
    except SystemExit:  # it has said which extra is missing
        say(f"done, but the event {kind} was not kept")


def _key_file(file: Path | None) -> KeyFile:
    named = os.environ.get("GATEPASS_KEY_FILE")
    if file is None and not named:
        raise SettingsRejected("name the key file with --file, or in GATEPASS_KEY_FILE")
    return KeyFile(file or named or "")


def _seconds(text: str) -> int:
    return int(parse_duration(text).total_seconds())


def _show(entry: Entry, *, as_json: bool) -> None:
    row = _row(entry)
    show(row, entry.kid, as_json=as_json)
    say(f"{row['state']}: {row['step']}")


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "kid": entry.kid,
        "algorithm": entry.algorithm,
        "state": entry.state.value,
        "step": _step(entry),
        "published_at": _at(entry.published_at),
        "promotable_at": _at(entry.promotable_at),
        "retired_at": _at(entry.retired_at),
        "removable_at": _at(entry.removable_at),
        "lifetime": entry.lifetime_s,
    }


def _step(entry: Entry) -> str:
    if entry.state is State.PRIMARY:
        return f"signs tokens that live {entry.lifetime_s} s at most"
    if entry.state is State.RETIRED:
        return f"may be removed from {_at(entry.removable_at)} on"
    if entry.published_at is None:
        return "may be published"
    return f"may be promoted from {_at(entry.promotable_at)} on"


def _at(seconds: int | None) -> str | None:
    return None if seconds is None else when(seconds * 1000)
