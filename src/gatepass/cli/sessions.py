"""`gatepass sessions`: who is logged in, and the end of it."""

import re
from typing import Annotated, Any, Final

import typer

from gatepass.cli.input import administration
from gatepass.cli.output import AsJson, show, show_table, when

app = typer.Typer(
    help="List, revoke and purge sessions.", no_args_is_help=True, rich_markup_mode=None
)

_SESSION_ID: Final = re.compile(r"[0-9a-f]{34}")
_REASON: Final = "revoked by an administrator"

User = Annotated[str | None, typer.Option("--user", help="Only this account's sessions.")]


@app.command(
    "list",
    epilog="""\
\b
Examples:
  gatepass sessions list
  gatepass sessions list --user ada --json
""",
)
def list_(*, user: User = None, as_json: AsJson = False) -> None:
    """List the live sessions of the accounts, newest first."""
    with administration() as opened:
        accounts = opened.accounts.list() if user is None else [opened.accounts.get(user)]
        rows: list[dict[str, Any]] = [
            {
                "session_id": session.session_id,
                "username": account.username,
                "device": session.device,
                "created_at": when(session.created_ms),
                "last_used_at": when(session.last_used_ms),
                "expires_at": when(min(session.idle_ends_ms, session.ends_ms)),
            }
            for account in accounts
            for session in opened.manager.sessions(account.subject)
        ]
    rows.sort(key=lambda row: row["created_at"], reverse=True)
    columns = ("session_id", "username", "device", "created_at", "last_used_at", "expires_at")
    show_table("sessions", rows, columns, as_json=as_json)


@app.command(
    epilog="""\
\b
Examples:
  gatepass sessions revoke 5f1c0a77de53a1b2c3d4e5f60718293a4b
  gatepass sessions revoke --user ada
  gatepass sessions revoke --all  # after restoring a backup
"""
)
def revoke(
    session_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="The session to end.")
    ] = None,
    *,
    user: Annotated[str | None, typer.Option("--user", help="End this account's.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="End everybody's.")] = False,
    as_json: AsJson = False,
) -> None:
    """End one session, an account's, or all; repeating is safe."""
    if (session_id is not None) + (user is not None) + everybody != 1:
        raise typer.BadParameter("name one of: a session id, --user NAME, --all")
    if session_id is not None and not _SESSION_ID.fullmatch(session_id):
        raise typer.BadParameter("a session id is 34 hex digits, see `gatepass sessions list`")
    with administration() as opened:
        if session_id is not None:
            ended = int(opened.manager.revoke_session(session_id, reason=_REASON))
        elif user is not None:
            subject = opened.accounts.get(user).subject
            ended = opened.manager.revoke_subject(subject, reason=_REASON)
        else:
            ended = opened.manager.revoke_all(reason=_REASON)
    show({"revoked": ended}, f"live sessions ended: {ended}", as_json=as_json)


@app.command(
    epilog="""\
\b
Examples:
  gatepass sessions purge
  gatepass sessions purge --json
"""
)
def purge(*, as_json: AsJson = False) -> None:
    """Remove expired sessions, revocations and limits; the server does so every hour."""
    with administration() as opened:
        gone = opened.manager.purge()
    show({"purged": gone}, f"rows removed: {gone}", as_json=as_json)
