"""Durations as people write them (pure)."""

import re
from datetime import timedelta
from typing import Final

from gatepass.errors import SettingsRejected

_DURATION: Final = re.compile(
    r"(?:(?P<days>\d{1,6})d)?(?:(?P<hours>\d{1,6})h)?"
    r"(?:(?P<minutes>\d{1,6})m)?(?:(?P<seconds>\d{1,9})s?)?",
    re.ASCII,
)


def parse_duration(text: str) -> timedelta:
    """The time in `15m`, `7d`, `1h30m` or `900` (seconds).

    Raises:
        SettingsRejected: The text has none of these forms, or the time is zero.
    """
    duration = find_duration(text)
    if not duration:
        message = "a duration is written as 15m, 12h, 7d, 1h30m or 900 (seconds)"
        raise SettingsRejected(message)
    return duration


def find_duration(text: str) -> timedelta | None:
    """The same, zero included; `None` for a text of another form."""
    match = _DURATION.fullmatch(text.strip())
    parts = match.groupdict() if match is not None else {}
    given = {unit: int(count) for unit, count in parts.items() if count is not None}
    return timedelta(**given) if given else None
