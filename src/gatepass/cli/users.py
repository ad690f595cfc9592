"""`gatepass users`: the accounts that may log in."""

from typing import Annotated, Any

import typer

from gatepass.cli.input import PasswordOnStdin, administration, read_password
from gatepass.cli.output import AsJson, show, show_table, when
from gatepass.cli.users_import import EPILOG, import_users
from gatepass.events import EventKind

app = typer.Typer(
    help="Make, list, disable and enable accounts.", no_args_is_help=True, rich_markup_mode=None
)
app.command("import", epilog=EPILOG)(import_users)

Name = Annotated[str, typer.Argument(help="The user name; case does not matter.")]


@app.command(
    epilog="""\
\b
Examples:
  gatepass users add ada --email ada@example.com
  printf %s "$PASSWORD" | gatepass users add ada --role admin --password-stdin
"""
)
def add(
    name: Name,
    *,
    email: Annotated[str | None, typer.Option(help="The claim `email`.")] = None,
    role: Annotated[str, typer.Option(help="The claim `role`.")] = "user",
    on_stdin: PasswordOnStdin = False,
    as_json: AsJson = False,
) -> None:
    """Make an account; the command prompts for the password, never an argument."""
    password = read_password(on_stdin=on_stdin)
    with administration(create=True) as opened:
        account = opened.accounts.add(name, password, email=email, role=role)
    result = {"subject": account.subject, **account.claims}
    show(result, f"added {account.username} (subject {account.subject})", as_json=as_json)


@app.command(
    "list",
    epilog="""\
\b
Examples:
  gatepass users list
  gatepass users list --json
""",
)
def list_(*, as_json: AsJson = False) -> None:
    """List all accounts."""
    with administration() as opened:
        rows: list[dict[str, Any]] = [
            {
                "username": account.username,
                "email": account.email,
                "role": account.role,
                "disabled": account.disabled,
                "subject": account.subject,
                "created_at": when(account.created_ms),
            }
            for account in opened.accounts.list()
        ]
    columns = ("username", "email", "role", "disabled", "subject", "created_at")
    show_table("users", rows, columns, as_json=as_json)


@app.command(
    epilog="""\
\b
Examples:
  gatepass users disable ada
  gatepass users disable ada --json
"""
)
def disable(name: Name, *, as_json: AsJson = False) -> None:
    """Reject an account's logins and end its sessions; repeating is safe."""
    with administration() as opened:
        ended = opened.accounts.disable(name, opened.manager)
        opened.tell(EventKind.ACCOUNT_DISABLED, name)
    show({"revoked": ended}, f"disabled; live sessions ended: {ended}", as_json=as_json)


@app.command(
    epilog="""\
\b
Examples:
  gatepass users enable ada
  gatepass users enable ada --json
"""
)
def enable(name: Name, *, as_json: AsJson = False) -> None:
    """Let an account log in again."""
    with administration() as opened:
        opened.accounts.enable(name)
        opened.tell(EventKind.ACCOUNT_ENABLED, name)
    show({"enabled": True}, "enabled", as_json=as_json)


@app.command(
    epilog="""\
\b
Examples:
  gatepass users password admin
  printf %s "$PASSWORD" | gatepass users password ada --password-stdin
"""
)
def password(name: Name, *, on_stdin: PasswordOnStdin = False, as_json: AsJson = False) -> None:
    """Set an account's password and end its sessions; repeating is safe."""
    with administration() as opened:
        opened.accounts.get(name)
        ended = opened.accounts.set_password(name, read_password(on_stdin=on_stdin), opened.manager)
        opened.tell(EventKind.PASSWORD_CHANGED, name)
    show({"revoked": ended}, f"password set; live sessions ended: {ended}", as_json=as_json)
