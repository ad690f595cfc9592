"""Numbers, names and JSON as people write them in variables (pure)."""

import json
from datetime import datetime, timedelta
from typing import Any

from gatepass.errors import SettingsRejected
from gatepass.tokens.durations import parse_duration


def parse_leeway(text: str) -> timedelta:
    """A duration that may be zero.

    Raises:
        SettingsRejected: The text has none of the forms of a duration.
    """
    return timedelta() if text.strip() in {"0", "0s"} else parse_duration(text)


def parse_moment(text: str) -> datetime:
    """A date and a time with an offset, in ISO 8601.

    Raises:
        SettingsRejected: The text has another form, or no offset.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        moment = datetime.min  # noqa: DTZ901 - rejected below
    if moment.utcoffset() is None:
        raise SettingsRejected("write a date and a time with an offset, as 2030-01-31T12:00:00Z")
    return moment


def parse_number(text: str) -> int:
    """The number in up to nine digits.

    Raises:
        SettingsRejected: The text is no such number.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < len("1000000000")):
        raise SettingsRejected("a number is written in digits")
    return int(text)


def parse_names(text: str) -> list[str]:
    """Names between commas.

    Raises:
        SettingsRejected: A name is empty.
    """
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise SettingsRejected("write names with commas between them, none of them empty")
    return names


def parse_allowed_values(text: str) -> dict[str, list[Any]]:
    """Lists of values by the name of their claim, in JSON.

    Raises:
        SettingsRejected: The text is no JSON object of lists.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if isinstance(values, dict) and all(isinstance(each, list) for each in values.values()):
        return values
    raise SettingsRejected('write a JSON object of lists, as in {"role": ["admin", "user"]}')
