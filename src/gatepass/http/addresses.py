"""Addresses of clients as blocks: a client of IPv6 chooses among many addresses (pure)."""

import ipaddress
from typing import Final

from gatepass.http.proxies import find_address

_SHARES: Final = {64: 1, 56: 4, 48: 16}
"""How often the limit of one address fits into the limit of a network of IPv6, by its prefix."""


def blocks_of(address: str) -> tuple[tuple[str, int], ...]:
    """The blocks that an address counts in, the smallest first, each with its number of shares.

    An IPv4 address is one block. Providers give a customer of IPv6 a /64, a /56 or a /48, so an
    IPv6 address counts in all three.
    """
    parsed = find_address(address)
    if parsed is None or isinstance(parsed, ipaddress.IPv4Address):
        return ((address if parsed is None else str(parsed), 1),)
    return tuple(
        (str(ipaddress.ip_network((parsed, prefix), strict=False)), shares)
        for prefix, shares in _SHARES.items()
    )


def block_of(address: str, *, customer: bool = False) -> str:
    """The block that counts as one client, an IPv4 address or an IPv6 /64; for a customer a /56."""
    blocks = blocks_of(address)
    return blocks[min(int(customer), len(blocks) - 1)][0]
