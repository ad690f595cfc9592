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
    match = _DURATION.fullmatch(text.strip())
    parts = match.groupdict(default="0") if match is not None else {}
    duration = timedelta(**{unit: int(count) for unit, count in parts.items()})
    if not duration:
        raise SettingsRejected("a duration is written as 15m, 12h, 7d, 1h30m or 900 (seconds)")
    return duration
