"""`gatepass sessions`: who is logged in, and the end of it."""

from typing import Annotated, Any, Final

import typer

from gatepass.cli.events import COLUMNS, row_of
from gatepass.cli.input import administration, require_session_id
from gatepass.cli.output import AsJson, say, show, show_table, when
from gatepass.events import EventKind

app = typer.Typer(
    help="List, show, revoke and purge sessions.", no_args_is_help=True, rich_markup_mode=None
)

_WRONG: Final = "a session id is 34 hex digits, see `gatepass sessions list`"
_COLUMNS: Final = [name for name in COLUMNS if name not in {"subject", "session_id"}]
_SHOWN: Final = 100_000
"""The most events of one session that are shown."""
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
    "show",
    epilog="""\
\b
Examples:
  gatepass sessions show 5f1c0a77de53a1b2c3d4e5f60718293a4b
  gatepass sessions show 5f1c0a77de53a1b2c3d4e5f60718293a4b --json
""",
)
def show_(
    session_id: Annotated[str, typer.Argument(metavar="ID", help="The session, also an old one.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show whose session it is or was, from where, and what happened to it.

    Exit code 1 when nothing is known of it: events are kept for GATEPASS_EVENT_DAYS.
    """
    require_session_id(session_id, _WRONG)
    with administration() as opened:
        found = opened.events.find(session_id=session_id, limit=_SHOWN)
        subject = next((event.subject for event in reversed(found) if event.subject), None)
        account = None if subject is None else opened.accounts.find_subject(subject)
        live = [] if subject is None else opened.manager.sessions(subject)
    if not found:
        say("no event of this session is kept")
        raise typer.Exit(1)
    opening = next((event for event in found if event.kind is EventKind.LOGGED_IN), None)
    about: dict[str, Any] = {
        "session_id": session_id,
        "username": None if account is None else account.username,
        "subject": subject,
        "address": None if opening is None else opening.address,
        "device": None if opening is None else opening.device,
        "live": session_id in {session.session_id for session in live},
    }
    rows = [row_of(event) for event in found]
    if as_json:
        show(about | {"events": rows}, "", as_json=True)
        return
    show_table("session", [about], about, as_json=False)
    show_table("events", rows, _COLUMNS, as_json=False)


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
    if session_id is not None:
        require_session_id(session_id, _WRONG)
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
