"""The greatest age of the server's copy of the revocation log, and the policy for an older one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gatepass.errors import SettingsRejected
from gatepass.revocations.staleness import MAX_STALENESS_S, WhenStale, require_max_staleness

_SECONDS: Final = "GATEPASS_MAX_STALENESS"
_POLICY: Final = "GATEPASS_WHEN_STALE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Staleness:
    """The limits of a replica."""

    max_staleness: float = MAX_STALENESS_S
    when_stale: WhenStale = WhenStale.ASK


def read_staleness(environ: Mapping[str, str]) -> Staleness:
    """The environment's settings; by default 2 seconds, and a stale copy asks the store.

    Raises:
        SettingsRejected: A variable is out of bounds.
    """
    seconds = environ.get(_SECONDS) or MAX_STALENESS_S
    policy = environ.get(_POLICY) or WhenStale.ASK
    try:
        max_staleness = require_max_staleness(float(seconds))
    except (ValueError, SettingsRejected):
        raise SettingsRejected(f"{_SECONDS} is a number of seconds from 0.1 to 60") from None
    try:
        return Staleness(max_staleness=max_staleness, when_stale=WhenStale(policy))
    except ValueError:
        names = " or ".join(each.value for each in WhenStale)
        raise SettingsRejected(f"{_POLICY} is {names}") from None
