"""The rules for checks while the copy of the log may be out of date, and a replica's status."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gatepass.errors import SettingsRejected

MAX_STALENESS_S: Final = 2.0
_BOUNDS: Final = (0.1, 60.0)


class WhenStale(enum.Enum):
    """The answer of a replica about ids that a stale copy does not hold.

    Ids that the copy holds are revoked, stale or not.
    """

    ASK = "ask"
    """Ask the store, one round trip for each check. If that fails, the check fails."""
    DENY = "deny"
    """Raise `StoreUnavailable`."""
    ACCEPT_TOKENS_THAT_MAY_BE_REVOKED = "accept_tokens_that_may_be_revoked"
    """Accept the token, although it may have been revoked. This fails open: it is for services
    that must stay reachable even if logout does not work."""


def require_max_staleness(seconds: float) -> float:
    """The seconds, if they are in bounds.

    Raises:
        SettingsRejected: The number is below 0.1 or above 60.
    """
    least, most = _BOUNDS
    if not least <= seconds <= most:
        raise SettingsRejected(f"max_staleness is from {least:g} to {most:g} seconds")
    return seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaStatus:
    """The state of a replica, for readiness and metrics; all times are seconds."""

    is_fresh: bool
    """Whether checks are answered from memory alone; on SQLite, whether the store answers."""
    age: float
    """Seconds since all partitions were known to be complete; infinite before the first read."""
    entries: int
    """The number of ids held."""
    stale_for: Mapping[str, float] = field(default_factory=dict)
    """The partitions that are stale, and for how long."""
    down_for: Mapping[str, float] = field(default_factory=dict)
    """The partitions that cannot be read, and for how long."""
    why_down: str | None = None
    """The last failure, without secrets."""
    losses: int = 0
    """How often the store had lost revocations; the replica kept those that it held."""
    when_stale: WhenStale = WhenStale.ASK

    @property
    def fails_open(self) -> bool:
        """Whether tokens that may be revoked are accepted while the copy is stale."""
        return self.when_stale is WhenStale.ACCEPT_TOKENS_THAT_MAY_BE_REVOKED

    def to_dict(self) -> dict[str, object]:
        """The same for JSON: an infinite age becomes `None`."""
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
