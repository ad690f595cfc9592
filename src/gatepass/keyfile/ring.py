"""The life of signing keys: next → primary → retired → removed, and the time of each step (pure).

A key is published before it signs, so that everybody knows it by then. A retired key verifies
until the last token that anybody signed with it has expired; its private half is dropped at
once. Times are whole seconds since 1970.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, NoReturn

from gatepass.errors import GatepassError, KeyRejected
from gatepass.jose import KeySet, SigningKey, VerificationKey

PICK_UP_S: Final = 60
"""A server that could not read the file for as long stops: nobody signs with an old key later."""
CACHED_S: Final = 300
"""How long others may keep the published keys: `max-age` of the JWKS."""
_LEEWAY_S: Final = 60
_SKEW_S: Final = 60
MAX_LIFETIME_S: Final = 10 * 366 * 86400
_LAST: Final = 2**37
"""Later times, after the year 6325, have no text."""


class StepRefused(GatepassError):
    """A step in the life of a key is out of order or too early; the sentence names the time."""

    code = "step_refused"
    message = "the step is rejected"


class State(enum.StrEnum):
    """The state of a key; a removed key is in no ring."""

    NEXT = "next"
    PRIMARY = "primary"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One key with its state and times."""

    kid: str
    algorithm: str
    state: State
    lifetime_s: int
    """Tokens signed with it live as long at most; servers enforce it."""
    created_at: int
    published_at: int | None = None
    promoted_at: int | None = None
    retired_at: int | None = None
    pem: str = field(repr=False)
    """The private key; of a retired one the public half."""

    @property
    def promotable_at(self) -> int | None:
        """The time when everybody knows the key; `None` while it is not published."""
        return None if self.published_at is None else self.published_at + CACHED_S + PICK_UP_S

    @property
    def removable_at(self) -> int | None:
        """The time when all tokens signed with it have expired; `None` while it may still sign."""
        if self.retired_at is None:
            return None
        if self.promoted_at is None:
            return self.retired_at
        return self.retired_at + PICK_UP_S + self.lifetime_s + _LEEWAY_S + _SKEW_S

    @property
    def is_whole(self) -> bool:
        """Whether its steps and times are such as some sequence of steps leads to."""
        steps = self.published_at, self.promoted_at, self.retired_at
        if not all(0 <= at <= _LAST for at in (self.created_at, *steps) if at is not None):
            return False
        has_signed = self.promoted_at is not None
        return (
            0 < self.lifetime_s <= MAX_LIFETIME_S
            and (self.published_at is not None or not has_signed)
            and has_signed >= (self.state is State.PRIMARY)
            and has_signed <= (self.state is not State.NEXT)
            and (self.retired_at is not None) == (self.state is State.RETIRED)
        )

    def public(self) -> VerificationKey:
        """The key that verifies."""
        if self.state is not State.RETIRED:
            return self.private().public()
        key = VerificationKey.from_pem(self.pem, algorithm=self.algorithm)
        self._require_name(key)
        return key

    def private(self) -> SigningKey:
        """The key that signs; `KeyRejected` of a retired one."""
        key = SigningKey.from_pem(self.pem, algorithm=self.algorithm)
        self._require_name(key.public())
        return key

    def _require_name(self, key: VerificationKey) -> None:
        if key.kid != self.kid:
            raise KeyRejected(f"the kid {self.kid} is not that of the key in its PEM")


@dataclass(frozen=True, slots=True)
class Ring:
    """All keys, oldest first; it never changes, each step gives a new one.

    Raises:
        StepRefused: A step is out of order or too early.
    """

    entries: tuple[Entry, ...] = ()

    @property
    def primary(self) -> Entry | None:
        """The key that signs."""
        return next((entry for entry in self.entries if entry.state is State.PRIMARY), None)

    def find(self, kid: str) -> Entry:
        """The key of this name, or of the only name that begins so."""
        found = [entry for entry in self.entries if entry.kid.startswith(kid)]
        if len(found) != 1 or not kid:
            raise StepRefused(f"{len(found)} keys have a kid that begins with {kid!r}")
        return found[0]

    def generate(self, key: SigningKey, *, lifetime_s: int, now: int) -> "Ring":
        """The ring with a new key, `next`; the very first one signs at once."""
        if not 0 < lifetime_s <= MAX_LIFETIME_S:
            raise KeyRejected("the longest life of a token is 1 second to 10 years")
        primary = self.primary
        entry = Entry(
            kid=key.kid or "",
            algorithm=key.algorithm,
            state=State.NEXT if primary is not None else State.PRIMARY,
            lifetime_s=max(lifetime_s, 0 if primary is None else primary.lifetime_s),
            created_at=now,
            published_at=None if primary is not None else now,
            promoted_at=None if primary is not None else now,
            pem=key.to_pem(),
        )
        return Ring((*self.entries, entry))

    def publish(self, kid: str, *, now: int) -> "Ring":
        """The ring with a `next` key among those that are published."""
        entry = self._find(kid, State.NEXT, "published")
        if entry.published_at is not None:
            raise StepRefused(f"the key is published since {when(entry.published_at)}")
        return self._with(replace(entry, published_at=now))

    def promote(self, kid: str, *, now: int, early: bool = False) -> "Ring":
        """The ring in which this key signs, and the primary before it is retired.

        Args:
            kid: A `next` key that was published long enough ago for everybody to know it.
            now: The time.
            early: Do not wait for that: verifiers that do not know it yet reject its tokens.
        """
        entry = self._find(kid, State.NEXT, "promoted")
        if entry.promotable_at is None:
            raise StepRefused("publish the key first: nobody could verify what it signs")
        if now < entry.promotable_at and not early:
            raise StepRefused(
                f"not everybody knows the key before {when(entry.promotable_at)}: promote it then"
            )
        old = self.primary
        # Servers may issue for as long as the key before allowed, without another look.
        lifetime_s = max(entry.lifetime_s, 0 if old is None else old.lifetime_s)
        ring = self._with(
            replace(entry, state=State.PRIMARY, promoted_at=now, lifetime_s=lifetime_s)
        )
        return ring if old is None else ring._with(_retired(old, now))  # noqa: SLF001 - same class

    def retire(self, kid: str, *, now: int) -> "Ring":
        """The ring whose `next` key will not sign after all; promoting retires the primary."""
        entry = self._find(kid, State.NEXT, "retired")
        return self._with(_retired(entry, now))

    def remove(self, kid: str, *, now: int, early: bool = False) -> "Ring":
        """The ring without a retired key.

        Args:
            kid: A key whose tokens have all expired.
            now: The time.
            early: Do not wait for that: tokens signed with it are rejected from now on.
        """
        entry = self._find(kid, State.RETIRED, "removed")
        if entry.removable_at is not None and now < entry.removable_at and not early:
            raise StepRefused(
                f"tokens signed with the key may hold until {when(entry.removable_at)}: "
                "remove it then"
            )
        return Ring(tuple(each for each in self.entries if each.kid != entry.kid))

    def published(self) -> list[Entry]:
        """The keys that others know, the primary first."""
        known = [entry for entry in self.entries if entry.published_at is not None]
        return sorted(known, key=lambda entry: entry.state is not State.PRIMARY)

    def key_set(self, known: dict[str, VerificationKey] | None = None) -> KeySet:
        """The keys that sign and are accepted; `KeyRejected` when there is no primary.

        `known` is a cache of public keys that were loaded.
        """
        primary = self.primary
        if primary is None:
            raise KeyRejected("no key signs: make one with `gatepass keys generate`")
        known = {} if known is None else known
        others = [entry for entry in self.published() if entry.kid != primary.kid]
        for entry in others:
            if entry.kid not in known:
                known[entry.kid] = entry.public()
        return KeySet(primary.private(), *(known[entry.kid] for entry in others))

    def _find(self, kid: str, state: State, what: str) -> Entry:
        entry = self.find(kid)
        if entry.state is not state:
            _refuse(entry.state, what)
        return entry

    def _with(self, changed: Entry) -> "Ring":
        return Ring(tuple(changed if e.kid == changed.kid else e for e in self.entries))


def when(seconds: int) -> str:
    """A time as the tool names it."""
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _retired(entry: Entry, now: int) -> Entry:
    # A clock that was set back does not have a key retire before it began to sign.
    retired_at = max(now, entry.promoted_at or 0)
    return replace(entry, state=State.RETIRED, retired_at=retired_at, pem=entry.public().to_pem())


_ORDER: Final[dict[tuple[State, str], str]] = {
    (State.PRIMARY, "retired"): "the primary is retired by promoting its successor",
    (State.PRIMARY, "removed"): "the primary signs: promote a successor first",
    (State.NEXT, "removed"): "retire the key first",
}


def _refuse(state: State, what: str) -> NoReturn:
    raise StepRefused(_ORDER.get((state, what), f"a key that is {state} cannot be {what}"))


Step = Callable[[Ring], Ring]
