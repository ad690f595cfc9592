"""Notices that a store's clock was set back; pure."""

from typing import Final

_STEP_MS: Final = 30_000
"""Less is within what every entry is held beyond its token's end."""


class StoreClock:
    """Compares a store's clock with the one that nobody sets, read after read of one log.

    An entry's age when it is read is the store's word. By a clock that was ahead it was too old,
    and may not be held although it matters; once the clock is right it has to be read again.
    """

    def __init__(self) -> None:
        self._behind_ms: int | None = None
        """By how much the store's clock was behind ours when it was furthest ahead."""

    def was_set_back(self, store_ms: int, now_ms: int) -> bool:
        """Whether what was read so far was dated by a clock that was ahead of this one."""
        behind_ms = now_ms - store_ms
        least_ms = self._behind_ms
        if least_ms is None or behind_ms < least_ms:
            self._behind_ms = behind_ms
            return False
        if behind_ms - least_ms <= _STEP_MS:
            return False
        self._behind_ms = behind_ms
        return True
