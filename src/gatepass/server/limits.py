"""How often one address may fail to log in, kept in this process's memory."""

import ipaddress
import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter


class LoginLimit:
    """A moving window of failed log-ins per address; an IPv6 network (/64) counts as one.

    Log-ins that are under way are not counted yet; the password pool bounds how many there are.
    """

    def __init__(self, rate: str = "10/minute") -> None:
        self._rate: RateLimitItem = parse(rate)
        self._window = MovingWindowRateLimiter(MemoryStorage())

    async def check(self, key: str) -> float | None:
        """Seconds until this address may try again; `None` when it may try now."""
        place = _place(key)
        if self._window.test(self._rate, place):
            return None
        return max(1.0, self._window.get_window_stats(self._rate, place).reset_time - time.time())

    async def failed(self, key: str) -> None:
        """Count a failed log-in of this address."""
        self._window.hit(self._rate, _place(key))


def _place(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
