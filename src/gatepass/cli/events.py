"""`gatepass events`: what happened to sessions, logins, accounts and keys."""

from typing import Annotated, Any, Final

import typer

from gatepass.cli.input import administration
from gatepass.cli.output import AsJson, show_table, when
from gatepass.events import Event

COLUMNS: Final = ("at", "kind", "subject", "session_id", "address", "device", "reason")

app = typer.Typer(rich_markup_mode=None)


@app.command(
    epilog="""\
\b
Examples:
  gatepass events
  gatepass events --user ada --limit 20
  gatepass events --session 5f1c0a77de53a1b2c3d4e5f60718293a4b --json
"""
)
def events(
    *,
    user: Annotated[str | None, typer.Option("--user", help="Only this account's.")] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="Only those of the account that tokens name so.")
    ] = None,
    session: Annotated[str | None, typer.Option("--session", help="Only this session's.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The most to print.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List logins, refreshes and ends of sessions that the server kept, newest first.

    GATEPASS_EVENT_DAYS says for how many days they are kept.
    """
    with administration() as opened:
        if user is not None:
            subject = opened.accounts.get(user).subject
        found = opened.events.find(subject=subject, session_id=session, limit=limit)
    show_table("events", [row_of(event) for event in found], COLUMNS, as_json=as_json)


def row_of(event: Event) -> dict[str, Any]:
    """The event as a row of a table."""
    row: dict[str, Any] = {name: getattr(event, name) for name in Event.__slots__}
    return row | {"kind": event.kind.value, "at": when(int(event.at * 1000))}
