"""How many logins of one customer are under way at once, in this process's memory."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from gatepass.http import RequestRefused
from gatepass.http.addresses import block_of
from gatepass.http.problems import RATE_LIMITED

AT_ONCE: Final = 4
"""Logins of one customer that are under way together: a fair share of the slots for argon2."""


class AtOnce:
    """Counts logins that are under way: an IPv4 address, or an IPv6 /56, is one customer."""

    def __init__(self, most: int = AT_ONCE) -> None:
        self._most = most
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def hold(self, address: str) -> Iterator[None]:
        """Surround a login of this address.

        Raises:
            RequestRefused: Too many are under way; a second later there may be a slot.
        """
        block = block_of(address, customer=True)
        if self._under_way[block] >= self._most:
            raise RequestRefused(RATE_LIMITED, retry_after=1)
        self._under_way[block] += 1
        try:
            yield
        finally:
            self._under_way[block] -= 1
            if not self._under_way[block]:
                del self._under_way[block]
