"""How the server ends, how long it keeps connections, and whether it shows `/docs`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gatepass.errors import SettingsRejected

_DRAIN: Final = "GATEPASS_DRAIN_SECONDS"
_KEEP_ALIVE: Final = "GATEPASS_KEEP_ALIVE_SECONDS"
_DOCS: Final = "GATEPASS_DOCS"
_DRAIN_S: Final = 10
_KEEP_ALIVE_S: Final = 5
_MOST_S: Final = 3600
_SWITCH: Final = {"on": True, "off": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """The settings of the server process."""

    drain_s: int = _DRAIN_S
    """Seconds that requests under way have after SIGTERM; then they are cut off."""
    keep_alive_s: int = _KEEP_ALIVE_S
    """Seconds that a connection waits for the next request of its client."""
    has_docs: bool = True
    """Whether the interactive page and the OpenAPI document are there."""


def read_serving(environ: Mapping[str, str]) -> Serving:
    """The environment's settings.

    Raises:
        SettingsRejected: A variable is out of bounds.
    """
    docs = environ.get(_DOCS) or "on"
    if docs not in _SWITCH:
        raise SettingsRejected(f"{_DOCS} is on or off")
    return Serving(
        drain_s=_seconds(environ, _DRAIN, _DRAIN_S),
        keep_alive_s=_seconds(environ, _KEEP_ALIVE, _KEEP_ALIVE_S),
        has_docs=_SWITCH[docs],
    )


def _seconds(environ: Mapping[str, str], name: str, default: int) -> int:
    written = environ.get(name) or str(default)
    if not (written.isascii() and written.isdigit() and 1 <= int(written[:9]) <= _MOST_S):
        raise SettingsRejected(f"{name} is a whole number of seconds from 1 to {_MOST_S}")
    return int(written)
