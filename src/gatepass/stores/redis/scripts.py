"""The Lua files of `stores/lua` as Redis takes them, and calls of them in one partition."""

import codecs
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Final

from gatepass.errors import StoreUnavailable
from gatepass.sessions.rotation import MAX_AHEAD, MAX_RECENT
from gatepass.sessions.session import KEY_SEC_HASH, LOG_MS, SKEW_MS
from gatepass.stores.redis.layout import Keys

Argument = bytes | str | int

MAX_IDLE: Final = 1_000
"""Sessions of one subject past their idle end that are kept; no login scans more."""

_READING: Final = frozenset({"find_revoked", "is_revoked", "sessions", "last_epoch", "find_opaque"})
"""Scripts that run when memory is full, too. Redis rejects all of them on a read-only replica."""
_REACHING: Final = frozenset(
    {"issue", "revoke_subject", "revoke_actor", "revoke_older", "sessions", "find_opaque"}
)
"""Scripts that touch other keys than `KEYS`."""
_AGAIN: Final = 3
"""Index of the argument that says whether the call was made before."""


@dataclass(frozen=True, slots=True)
class Script:
    """One file of Lua, as it is sent."""

    text: str = field(repr=False)
    sha: str
    names_its_keys: bool
    """Whether the script touches no other keys than `KEYS`.

    A script that does cannot see a session that still has to come from another cluster member.
    """


@cache
def load_scripts() -> None:
    """Read every file now: a process that runs out of file descriptors later could not.

    The codec of host names is loaded too: Python never looks again for a codec that it missed.

    Raises:
        StoreUnavailable: No file descriptor is left.
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
    """The script of this name."""
    folder = resources.files("gatepass.stores") / "lua"
    constants = (
        f"local SKEW_MS, LOG_MS, MAX_RECENT, MAX_AHEAD, MAX_IDLE = "
        f"{SKEW_MS}, {LOG_MS}, {MAX_RECENT}, {MAX_AHEAD}, {MAX_IDLE}\n"
        f"local KEY_SEC_HASH = string.rep('\\0', {len(KEY_SEC_HASH)})"
    )
    bodies = [(folder / f"{part}.lua").read_text("utf-8") for part in ("common", name)]
    head = "#!lua flags=allow-oom" if name in _READING else "#!lua"
    text = "\n".join([head, constants, *bodies])
    sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return Script(text, sha, names_its_keys=name not in _REACHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a script, in one partition."""

    script: Script
    partition: int
    keys: Sequence[str]
    arguments: Sequence[Argument] = field(repr=False)
    says_again: bool = False
    """Whether the script is told when the call is repeated."""
    is_durable: bool = False
    """Whether the reply counts only once the change is durable."""
    durable_kinds: Sequence[bytes] | None = None
    """The kinds of reply that have to be durable, where others acknowledge no change."""

    def command(self, *, by_sha: bool, again: bool) -> list[Argument]:
        """The command that Redis receives."""
        given = list(self.arguments)
        if self.says_again and again:
            given[_AGAIN] = "1"
        name, what = ("EVALSHA", self.script.sha) if by_sha else ("EVAL", self.script.text)
        return [name, what, len(self.keys), *self.keys, *given]

    def must_be_durable(self, reply: Any) -> bool:
        """Whether this reply acknowledges a change that has to be durable."""
        if self.durable_kinds is None:
            return self.is_durable
        return isinstance(reply, list) and bool(reply) and reply[0] in self.durable_kinds


class Scripts:
    """Makes calls for one store, with its key names and its clock."""

    def __init__(self, keys: Keys, clock: Callable[[], float] | None) -> None:
        load_scripts()
        self.keys = keys
        self._clock = clock

    def call(
        self,
        name: str,
        partition: int,
        keys: Sequence[str],
        *arguments: Argument,
        says_again: bool = False,
        is_durable: bool = False,
        durable_kinds: Sequence[bytes] | None = None,
    ) -> Call:
        """A call with the keys and arguments that every script has, then these."""
        base = self.keys.bases[partition]
        now = "" if self._clock is None else str(int(self._clock() * 1000))
        return Call(
            script=script(name),
            partition=partition,
            keys=[f"{base}meta", f"{base}log", *[base + key for key in keys]],
            arguments=[base, now, *arguments],
            says_again=says_again,
            is_durable=is_durable,
            durable_kinds=durable_kinds,
        )
