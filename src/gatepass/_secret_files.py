"""Variables whose values are in files, as Docker and Kubernetes mount secrets: `NAME_FILE`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gatepass.errors import SettingsRejected

END: Final = "_FILE"
NAMES: Final = (
    "DATABASE_URL",
    "GATEPASS_CSRF_SECRET",
    "GATEPASS_CSRF_SECRET_PREVIOUS",
    "GATEPASS_PROXY_TOKEN_SECRET",
    "JWT_ACCESS_SECRET",
    "JWT_ACCESS_SECRET_PREVIOUS",
    "JWT_LEGACY_SECRET",
    "JWT_REFRESH_SECRET",
    "JWT_REFRESH_SECRET_PREVIOUS",
    "REDIS_URL",
)
"""The variables that hold a secret, or a URL with a password."""
_MOST: Final = 65_536


def with_files(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables, with those whose `NAME_FILE` names a file instead; see `in_files`."""
    names = {name + END for name in NAMES}
    others = {name: value for name, value in environ.items() if name not in names}
    return {**others, **in_files(environ)}


def in_files(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables whose `NAME_FILE` names a file.

    A line end after the value, and the byte order mark of Windows before it, are not part of it.

    Raises:
        SettingsRejected: A file cannot be read, is empty or no text, or its variable is set too.
    """
    found = {}
    for name in NAMES:
        path = environ.get(name + END)
        if path and environ.get(name):
            raise SettingsRejected(f"{name} and {name}{END} are both set: unset one of them")
        if path:
            found[name] = _read(name + END, Path(path))
    return found


def _read(variable: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            text = file.read(_MOST).decode("utf-8-sig")
    except OSError as error:
        raise SettingsRejected(f"{variable}: {path} cannot be read: {error.strerror}") from error
    except ValueError:
        text = ""
    value = text.removesuffix("\n").removesuffix("\r")
    if not value or "\0" in value:
        raise SettingsRejected(f"{variable}: {path} holds no text in UTF-8")
    return value
