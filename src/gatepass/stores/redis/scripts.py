"""The Lua files of `stores/lua` as Redis takes them: one text per operation, with its SHA-1."""

import codecs
import hashlib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Final

from gatepass.errors import StoreUnavailable
from gatepass.sessions.rotation import MAX_AHEAD, MAX_RECENT
from gatepass.sessions.session import LOG_MS, SKEW_MS

MAX_IDLE: Final = 1_000
"""Sessions of one subject past their idle end that are kept; nobody's log-in scans more."""

_HEAD: Final = {
    True: "#!lua",
    False: "#!lua flags=allow-oom",
}
"""Redis itself refuses scripts on a read-only replica, and writing ones when memory is full."""
_READING: Final = frozenset({"is_revoked", "sessions", "subject_epoch", "find_opaque"})
_REACHING: Final = frozenset(
    {"issue", "revoke_subject", "revoke_actor", "revoke_older", "sessions", "find_opaque"}
)


@dataclass(frozen=True, slots=True)
class Script:
    """One operation in Lua."""

    name: str
    text: str = field(repr=False)
    sha: str
    names_its_keys: bool
    """Whether it touches no other keys than those that it is given.

    To one that does, a session that is still to come from another member of a cluster is none.
    """


@cache
def load_scripts() -> None:
    """Read every file now: a program that has no descriptor left later on could not.

    So with the codec of host names, which Python never looks for again once it was not found.

    Raises:
        StoreUnavailable: It has none left already.
    """
    try:
        codecs.lookup("idna")
        for file in (resources.files("gatepass.stores") / "lua").iterdir():
            name = file.name.removesuffix(".lua")
            if name not in {file.name, "common"}:
                script(name)
    except (OSError, LookupError) as error:
        raise StoreUnavailable("the scripts of the store cannot be read") from error


@cache
def script(name: str) -> Script:
    """The operation of this name."""
    folder = resources.files("gatepass.stores") / "lua"
    constants = (
        f"local SKEW_MS, LOG_MS, MAX_RECENT, MAX_AHEAD, MAX_IDLE = "
        f"{SKEW_MS}, {LOG_MS}, {MAX_RECENT}, {MAX_AHEAD}, {MAX_IDLE}"
    )
    bodies = [(folder / f"{part}.lua").read_text("utf-8") for part in ("common", name)]
    text = "\n".join([_HEAD[name not in _READING], constants, *bodies])
    sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return Script(name, text, sha, names_its_keys=name not in _REACHING)
