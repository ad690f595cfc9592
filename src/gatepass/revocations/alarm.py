"""Reports that a store has lost revocations which it had acknowledged. Pure but for the log."""

import logging
from typing import Final

_LOG: Final = logging.getLogger("gatepass")


class Alarm:
    """Reports each loss once; the denylist keeps what it holds."""

    def __init__(self) -> None:
        self.found: str | None = None
        """The sign of the last loss, for readiness and metrics."""
        self.count = 0
        """The number of losses."""
        self._is_reported = False

    def report(self, found: str, held: int) -> None:
        """Log a loss, unless this one was reported before; `reset` tells losses apart."""
        if self._is_reported:
            return
        self._is_reported = True
        self.found = found
        self.count += 1
        _LOG.warning("the store has lost revocations: found %s; keeping the %d held", found, held)

    def reset(self) -> None:
        """Take the next finding for another loss."""
        self._is_reported = False
