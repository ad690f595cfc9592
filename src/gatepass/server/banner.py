"""What the server says when it starts: the address, and lines to paste into a shell (pure)."""

from typing import Final

_JSON: Final = "-H 'Content-Type: application/json'"


def write_banner(url: str, *, password: str | None, command: str) -> str:
    """The lines for the first start with its password, or for a later one without.

    Args:
        url: Where the server listens.
        password: The password of `admin`, when it was made just now.
        command: How to call this program from the folder it runs in.
    """
    if password is not None:
        first = [f"admin password: {password}", "(shown this once)"]
    else:
        first = [
            f"Put your password for PASSWORD; `{command} users password admin` sets a new one."
        ]
    return "\n".join(
        [
            f"gatepass serves {url} (interactive page: {url}/docs)",
            *first,
            "",
            "Log in, ask who you are, refresh:",
            "",
            *_lines(url, password or "PASSWORD"),
            "",
        ]
    )


def _lines(url: str, password: str) -> list[str]:
    """Three lines for bash or zsh; the answer stays in a shell variable, not in a file."""
    log_in = f'{{"username":"admin","password":"{password}"}}'
    access, refresh = (_member(name) for name in ("access_token", "refresh_token"))
    spend = f"""'{{"refresh_token":"'"{refresh}"'"}}'"""
    return [
        f"""pair=$(curl -sS {url}/auth/login {_JSON} -d '{log_in}'); echo "$pair\"""",
        f"""curl -sS {url}/auth/me -H "Authorization: Bearer {access}"; echo""",
        f"""pair=$(curl -sS {url}/auth/refresh {_JSON} -d {spend}); echo "$pair\"""",
    ]


def _member(name: str) -> str:
    """Shell that takes one string out of the JSON in `$pair`."""
    return f"""$(echo "$pair" | sed 's/.*"{name}": *"\\([^"]*\\)".*/\\1/')"""
