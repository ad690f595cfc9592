"""Warnings of the gate that strangers can cause, so many a minute at most."""

import logging
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final

from gatepass.errors import TokenExpired, TokenInvalid, TokenRevoked

_log = logging.getLogger("gatepass")
_MANY: Final = 3
"""Tokens in a row: a single one may be a stranger's try."""
_SILENCE_S: Final = 60.0
_MOST: Final = 20
"""Warnings of one kind a minute: more than a developer reads who tries a setting."""


class Rejections:
    """Counts tokens that were rejected in a row, and warns once a minute while there are many.

    A token that has expired or was revoked is one of ours, so it ends the row.
    """

    __slots__ = ("_clock", "_silent_until", "_what", "in_a_row")

    def __init__(self, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._clock = clock
        self._silent_until = float("-inf")
        self.in_a_row = 0

    def __enter__(self) -> None:
        """Count the token that the block accepts or rejects."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if error is None:
            self.in_a_row = 0
        else:
            self.note(error.__cause__ or error)

    def note(self, error: BaseException) -> None:
        """Count this error, and warn if it is time to."""
        if isinstance(error, (TokenExpired, TokenRevoked)):
            self.in_a_row = 0
        if not isinstance(error, TokenInvalid):
            return
        self.in_a_row += 1
        if self.in_a_row >= _MANY and self._clock() >= self._silent_until:
            self._silent_until = self._clock() + _SILENCE_S
            _log.warning(
                "no %s token is accepted, the last %d were rejected: do those who issue them have "
                "the same keys, issuer and audience? The last one: %s",
                self._what,
                self.in_a_row,
                error,
            )


class Explanations:
    """Warns why requests were rejected: twenty times a minute for each kind of rejection."""

    __slots__ = ("_clock", "_told")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[str, tuple[float, int]] = {}

    def warn(self, kind: str, reason: str) -> None:
        """Warn of this kind, unless there was too much of it within the minute."""
        now = self._clock()
        begun, told = self._told.get(kind, (now, 0))
        if now - begun >= _SILENCE_S:
            begun, told = now, 0
        self._told[kind] = begun, told + 1
        if told == _MOST:
            reason = f"{_MOST} warnings within a minute, the next ones are left out"
        if told <= _MOST:
            _log.warning("%s: %s", kind, reason)
