"""What becomes of a check when the copy of the log may be out of date, and how that is told."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gatepass.errors import SettingsRejected

MAX_STALENESS_S: Final = 2.0
_BOUNDS: Final = (0.1, 60.0)


class WhenStale(enum.Enum):
    """What a replica does while it cannot vouch for its copy; what it holds is always refused."""

    ASK = "ask"
    """Ask the store, one round trip for each check; where that fails, so does the check."""
    DENY = "deny"
    """Let no check succeed: `StoreUnavailable`."""
    ACCEPT_TOKENS_THAT_MAY_BE_REVOKED = "accept_tokens_that_may_be_revoked"
    """Let tokens in although they may have been revoked. Fails open: for when being reachable
    matters more than log-out."""


def require_max_staleness(seconds: float) -> float:
    """The seconds, when they make sense.

    Raises:
        SettingsRejected: They are below a tenth or above sixty.
    """
    least, most = _BOUNDS
    if not least <= seconds <= most:
        raise SettingsRejected(f"max_staleness is from {least:g} to {most:g} seconds")
    return seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaStatus:
    """How a replica is, for readiness and metrics; seconds throughout."""

    is_fresh: bool
    """Whether it answers from memory alone."""
    age: float
    """Since when its oldest part is known to be complete; infinite before the first read."""
    entries: int
    """Ids held."""
    stale_for: Mapping[str, float] = field(default_factory=dict)
    """The parts that are stale, and for how long."""
    down_for: Mapping[str, float] = field(default_factory=dict)
    """The parts that cannot be read, and for how long."""
    why_down: str | None = None
    """What the last failure was, without secrets."""
    losses: int = 0
    """How often the store was seen to have lost revocations; those held were kept."""
    when_stale: WhenStale = WhenStale.ASK

    @property
    def fails_open(self) -> bool:
        """Whether tokens that may be revoked are let in while it is stale."""
        return self.when_stale is WhenStale.ACCEPT_TOKENS_THAT_MAY_BE_REVOKED

    def to_dict(self) -> dict[str, object]:
        """The same for JSON, which knows no infinity: an age of `None` is one."""
        return {
            "fresh": self.is_fresh,
            "age": None if self.age == float("inf") else round(self.age, 3),
            "entries": self.entries,
            "stale_for": _rounded(self.stale_for),
            "down_for": _rounded(self.down_for),
            "why_down": self.why_down,
            "losses": self.losses,
            "when_stale": self.when_stale.value,
            "fails_open": self.fails_open,
        }


def _rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in seconds.items()}
