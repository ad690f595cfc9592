"""`Limits`: how often somebody may try a password, as values (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final

from gatepass._extras import needs_extra
from gatepass.errors import SettingsRejected

_MAX_COUNT: Final = 100_000
_MAX_SECONDS: Final = 31 * 86_400


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` attempts within `seconds`.

    Raises:
        SettingsRejected: The count is not 1 to 100,000, or the time is not 1 second to 31 days.
    """

    count: int
    seconds: int

    def __post_init__(self) -> None:
        if not (1 <= self.count <= _MAX_COUNT and 1 <= self.seconds <= _MAX_SECONDS):
            raise SettingsRejected(
                f"a limit is 1 to {_MAX_COUNT:,} attempts in 1 second to 31 days"
            )


def parse_rate(text: str) -> Rate:
    """The rate in a text such as `10/minute` or `10/15 minutes`.

    Raises:
        SettingsRejected: The text is no rate, or two, or one that is out of bounds.
    """
    with needs_extra("limits"):
        from limits import parse_many  # noqa: PLC0415 - with its storages it is slow to import

    try:
        found = parse_many(text)
    except ValueError:
        found = []
    if len(found) != 1:
        raise SettingsRejected("a limit is written as 10/minute, 10/hour or 10/15 minutes")
    return Rate(found[0].amount, found[0].get_expiry())


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many attempts the auth routes take; `None` turns one limit off.

    A limit is a `Rate` or a text such as `"10/15 minutes"`. All processes and hosts count
    together, in the store of the sessions.

    Raises:
        SettingsRejected: A text is no rate, or a rate is out of bounds.
    """

    login: Rate | str | None = Rate(10, 60)
    """Logins from one address, or one marked device, good ones too; by default 10/minute.

    Networks of IPv6 have a limit too: a /56 has four times as much, a /48 sixteen times.
    """
    account: Rate | str | None = Rate(10, 3600)
    """Failed logins of one user name from all devices that are not marked; 10/hour."""
    device: Rate | str | None = Rate(10, 900)
    """Failed logins of one user name from a device that it has logged in on; 10/15 minutes.

    `None`: a login marks no device, so that strangers can lock an account for everybody.
    """
    refresh: Rate | str | None = None
    """Refreshes of one session; by default unlimited, because each count is a round trip."""
    password: Rate | str | None = Rate(5, 3600)
    """Changes of a password from one session, good ones too; 5/hour, of two passwords each."""
    rates: Mapping[str, Rate] = field(init=False, repr=False, compare=False)
    """The limits that are on, by their name."""

    def __post_init__(self) -> None:
        rates = {}
        for name in (one.name for one in fields(self) if one.init):
            value = getattr(self, name)
            if isinstance(value, Rate):
                rates[name] = value
            elif isinstance(value, str):
                try:
                    rates[name] = parse_rate(value)
                except SettingsRejected as error:
                    raise SettingsRejected(f"the limit {name}: {error}") from None
            elif value is not None:
                kind = type(value).__name__
                raise SettingsRejected(f"the limit {name} is a text or None, not {kind}")
        object.__setattr__(self, "rates", rates)


DEFAULT_LIMITS: Final = Limits()
