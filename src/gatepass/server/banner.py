"""The first lines of the server: its address, and lines to paste into a shell (pure)."""

import json
import shlex
from typing import Final

_JSON: Final = "-H 'Content-Type: application/json'"


def write_banner(url: str, *, has_admin: bool, password: str | None, command: str) -> str:
    """The lines for the first start with its password, or for a later one without.

    Args:
        url: The address of the server.
        has_admin: Whether there is an account `admin`.
        password: The password of `admin`, when it was made just now.
        command: How to call this program from the folder it runs in.
    """
    username = "admin" if has_admin else "USERNAME"
    if password is not None:
        first = [f"admin password: {password}", "(shown this once)"]
    elif has_admin:
        first = [f"Put your password for PASSWORD; `{command} users password admin` sets one."]
    else:
        first = [f"Put an account for USERNAME and PASSWORD; `{command} users list` shows them."]
    return "\n".join(
        [
            f"gatepass serves {url} (interactive page: {url}/docs)",
            *first,
            "",
            "Log in, ask who you are, refresh:",
            "",
            *_lines(url, {"username": username, "password": password or "PASSWORD"}),
            "",
        ]
    )


def _lines(url: str, credentials: dict[str, str]) -> list[str]:
    """Three lines for bash or zsh; the answer stays in a shell variable, not in a file."""
    log_in, me, renew = (shlex.quote(f"{url}/auth/{name}") for name in ("login", "me", "refresh"))
    access, refresh = (_member(name) for name in ("access_token", "refresh_token"))
    who = shlex.quote(json.dumps(credentials, separators=(",", ":")))
    spent = f"""'{{"refresh_token":"'"{refresh}"'"}}'"""
    return [
        f"""pair=$(curl -sS {log_in} {_JSON} -d {who}); echo "$pair\"""",
        f"""curl -sS {me} -H "Authorization: Bearer {access}"; echo""",
        f"""pair=$(curl -sS {renew} {_JSON} -d {spent}); echo "$pair\"""",
    ]


def _member(name: str) -> str:
    """Shell that takes one string out of the JSON in `$pair`."""
    return f"""$(echo "$pair" | sed 's/.*"{name}": *"\\([^"]*\\)".*/\\1/')"""
