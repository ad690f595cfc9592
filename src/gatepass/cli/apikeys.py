"""`gatepass apikeys`: credentials for programs."""

from datetime import timedelta
from typing import Annotated, Any

import typer

from gatepass.cli.input import administration, require_session_id
from gatepass.cli.output import AsJson, say, show, show_table, when
from gatepass.tokens.durations import find_duration
from gatepass.tokens.policy import MAX_LIFETIME

app = typer.Typer(
    help="Create, list and revoke API keys of accounts.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_REASON = "key revoked by an administrator"
_COLUMNS = ("key_id", "username", "name", "scopes", "created_at", "last_used_at", "expires_at")


def _read_lifetime(text: str) -> timedelta:
    """A lifetime with its unit: a number alone would be seconds, and its writer may mean days."""
    found = find_duration(text)
    if found is not None and text.strip()[-1].isdigit():
        raise typer.BadParameter("write a unit, as in 12h or 90d")
    if not found or found.total_seconds() > MAX_LIFETIME:
        raise typer.BadParameter("write a duration, as 12h or 90d, at most 3660d")
    return found


Owner = Annotated[
    str, typer.Argument(metavar="ACCOUNT", help="The user name or the subject of an account.")
]


@app.command(
    epilog="""\
\b
Examples:
  gatepass apikeys create ci --name "nightly build" --scope reports:read --expires 90d
  gatepass apikeys create ci --name deploy --scope deploy --scope logs --expires 1d --json
"""
)
def create(
    owner: Owner,
    *,
    name: Annotated[str, typer.Option(help="The use of the key, as lists show it.")],
    expires: Annotated[
        timedelta,
        typer.Option(
            parser=_read_lifetime,
            metavar="DURATION",
            help="The lifetime with its unit, as in 12h or 90d; 3660d at most.",
        ),
    ],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="A scope; repeat it for more. Without it the key has no scopes."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create an API key and print it, this once: nobody can find it out again."""
    with administration() as opened:
        account = opened.accounts.get_owner(owner)
        issued = opened.manager.issue_key(
            account.subject, name=name, scopes=scope or [], expires=expires
        )
    expires_at = when(int(issued.expires_at.timestamp() * 1000))
    if not as_json:
        say(
            f"key {issued.key_id} of {account.username}, expires {expires_at}; "
            "store it now, it is not shown again"
        )
    result = {"key": issued.key, "key_id": issued.key_id, "expires_at": expires_at}
    show(result, issued.key, as_json=as_json)


@app.command(
    "list",
    epilog="""\
\b
Examples:
  gatepass apikeys list
  gatepass apikeys list --user ci --json
""",
)
def list_(
    *,
    user: Annotated[str | None, typer.Option("--user", help="Only this account's keys.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the live keys of the accounts, newest first; the keys themselves are not stored."""
    with administration() as opened:
        accounts = opened.accounts.list() if user is None else [opened.accounts.get(user)]
        found = [
            (account.username, key)
            for account in accounts
            for key in opened.manager.keys(account.subject)
        ]
    rows: list[dict[str, Any]] = [
        {
            "key_id": key.key_id,
            "username": username,
            "name": key.name,
            "scopes": " ".join(key.scopes),
            "created_at": when(int(key.created_at.timestamp() * 1000)),
            "last_used_at": key.last_used_at and when(int(key.last_used_at.timestamp() * 1000)),
            "expires_at": when(int(key.expires_at.timestamp() * 1000)),
        }
        for username, key in sorted(found, key=lambda one: one[1].created_at, reverse=True)
    ]
    show_table("keys", rows, _COLUMNS, as_json=as_json)


@app.command(
    epilog="""\
\b
Examples:
  gatepass apikeys revoke 5f1c0a77de53a1b2c3d4e5f60718293a4b
  gatepass apikeys revoke 5f1c0a77de53a1b2c3d4e5f60718293a4b --json
"""
)
def revoke(
    key_id: Annotated[
        str, typer.Argument(metavar="KEY_ID", help="The id of the key, not the key itself.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """End an API key at once; repeating is safe. Sessions are ended by `sessions revoke`."""
    require_session_id(key_id, "a key id is 34 hex digits, see `gatepass apikeys list`")
    with administration() as opened:
        ended = opened.manager.revoke_key(key_id, reason=_REASON)
    show({"revoked": int(ended)}, f"live keys ended: {int(ended)}", as_json=as_json)
