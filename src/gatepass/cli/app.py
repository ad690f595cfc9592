"""The program `gatepass`: its commands, and the exit codes of errors."""

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, Final, NoReturn

import typer

from gatepass.cli import apikeys, db, events, keys, needs, sessions, token, users
from gatepass.cli.input import find_here
from gatepass.cli.output import AsJson, say, show
from gatepass.cli.streams import prepare_streams
from gatepass.cli.variables import drop_services, misspelt
from gatepass.errors import GatepassError, KeyRejected, SettingsRejected, StoreOutdated
from gatepass.server.secrets import generate_secret

_EXITS: Final = """\
\b
Exit codes:
  0  done
  1  rejected: a token or an account; or a database that does not answer
  2  wrong usage: arguments, settings, or a missing extra

\b
Examples:
  gatepass serve
  echo "$TOKEN" | gatepass token verify
"""


def show_version(wanted: bool) -> None:  # noqa: FBT001 - Typer's way to call it
    """Print the version and end, if `--version` is given."""
    if wanted:
        sys.stdout.write(f"gatepass {version('gatepass')}\n")
        raise typer.Exit


app = typer.Typer(
    name="gatepass",
    help="Sign-in tokens: a server, its accounts and sessions, secrets, keys and tokens.",
    epilog=_EXITS,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(users.app, name="users")
app.add_typer(sessions.app, name="sessions")
app.add_typer(apikeys.app, name="apikeys")
app.add_typer(events.app)
app.add_typer(token.app, name="token")
app.add_typer(db.app, name="db")
app.add_typer(keys.app, name="keys")


@app.callback()
def main(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Sign-in tokens: a server, its accounts and sessions, secrets and tokens."""
    for sentence in misspelt(os.environ):
        say(sentence)


@app.command(
    epilog="""\
\b
Examples:
  gatepass serve
  gatepass serve --port 9000
  GATEPASS_ENV=production gatepass serve --host 0.0.0.0 --workers 4
"""
)
def serve(
    host: Annotated[
        str, typer.Option(envvar="GATEPASS_HOST", help="The address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(min=0, max=65535, envvar="GATEPASS_PORT", help="The port; 0 takes any."),
    ] = 8000,
    workers: Annotated[
        int,
        typer.Option(min=1, max=64, envvar="GATEPASS_WORKERS", help="How many processes serve."),
    ] = 1,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            envvar="GATEPASS_METRICS_PORT",
            help="The port of GET /metrics for Prometheus; without it there are no metrics.",
        ),
    ] = None,
    metrics_host: Annotated[
        str, typer.Option(envvar="GATEPASS_METRICS_HOST", help="The address of GET /metrics.")
    ] = "127.0.0.1",
) -> None:
    """Serve login, refresh and logout over HTTP.

    In development, secrets, a database and the account `admin` are made in ./.gatepass at the
    first start. With GATEPASS_ENV=production nothing is made up: JWT_ACCESS_SECRET,
    JWT_REFRESH_SECRET and DATABASE_URL must be set, and `gatepass users add` makes accounts.
    Accounts are in the database of DATABASE_URL, sessions too unless REDIS_URL is set. Behind a
    proxy, GATEPASS_TRUSTED_PROXIES lists its addresses, so that clients are told apart. The server
    checks revocations in a copy of the log: GATEPASS_MAX_STALENESS says how old the copy may be,
    GATEPASS_WHEN_STALE what happens to requests then, and /readyz how old it is. Why a token was
    rejected is logged with GATEPASS_LOG_LEVEL=debug. GET /metrics on --metrics-port is for
    Prometheus, and everybody who reaches that port reads it.
    """
    with needs("server"):
        from gatepass.server.scraping import Scraped  # noqa: PLC0415 - an extra
        from gatepass.server.serve import serve as start  # noqa: PLC0415 - an extra

    scraped = None if metrics_port is None else Scraped(metrics_host, metrics_port)
    start(os.environ, find_here(), host=host, port=port, workers=workers, scraped=scraped)


@app.command(
    epilog="""\
\b
Examples:
  export JWT_ACCESS_SECRET="$(gatepass secret)"
  gatepass secret --json
"""
)
def secret(*, as_json: AsJson = False) -> None:
    """Print one good random secret, for JWT_ACCESS_SECRET or JWT_REFRESH_SECRET."""
    made = generate_secret()
    show({"secret": made}, made, as_json=as_json)


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program; refusals become one sentence and an exit code."""
    prepare_streams()
    drop_services(os.environ)
    try:
        app(args=arguments, prog_name="gatepass")
    except (SettingsRejected, KeyRejected, StoreOutdated) as error:
        say(str(error))
        sys.exit(2)
    except GatepassError as error:
        say(str(error))
        sys.exit(1)
    except OSError as error:  # an output on a full disk, say
        say(f"the system reports: {error.strerror}")
        sys.exit(1)
    sys.exit(0)
