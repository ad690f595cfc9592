"""Says that a store has lost revocations which it had acknowledged; pure but for the log line."""

import logging
from typing import Final

_LOG: Final = logging.getLogger("gatepass")


class Alarm:
    """Raised once each time; what is held is kept all the same."""

    def __init__(self) -> None:
        self.found: str | None = None
        """What was found the last time, for readiness and metrics."""
        self.count = 0
        """How often a loss was noticed."""
        self._is_raised = False

    def sound(self, found: str, held: int) -> None:
        """Log that revocations may be lost, unless that was done and nothing was well since."""
        if self._is_raised:
            return
        self._is_raised = True
        self.found = found
        self.count += 1
        _LOG.warning("the store has lost revocations: found %s; keeping the %d held", found, held)

    def calm(self) -> None:
        """What is found next is another loss."""
        self._is_raised = False
