"""Notices that a store's clock was set back. Pure."""

from typing import Final

_STEP_MS: Final = 30_000
"""A smaller step is harmless: each entry is held for longer than that after its token ends."""


class StoreClock:
    """Compares a store's clock with the clock that nobody sets, at each read of one log.

    The store's clock decides how old an entry is when it is read. While that clock was ahead,
    entries looked too old and were left out. Once it is right, the log has to be read again.
    """

    def __init__(self) -> None:
        self._behind_ms: int | None = None
        """The smallest lag of the store's clock behind ours so far."""

    def was_set_back(self, store_ms: int, now_ms: int) -> bool:
        """Whether the store's clock was ahead during an earlier read, and no longer is."""
        behind_ms = now_ms - store_ms
        least_ms = self._behind_ms
        if least_ms is None or behind_ms < least_ms:
            self._behind_ms = behind_ms
            return False
        if behind_ms - least_ms <= _STEP_MS:
            return False
        self._behind_ms = behind_ms
        return True
