"""Addresses of clients: blocks that count as one client, and trusted proxies."""

import ipaddress
from collections.abc import Collection, Mapping
from typing import Final

from gatepass.errors import SettingsRejected
from gatepass.http.proxies import find_address

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAME: Final = "GATEPASS_TRUSTED_PROXIES"


def block_of(address: str) -> str:
    """The block of addresses that counts as one client: an IPv4 address, or an IPv6 /64."""
    parsed = find_address(address)
    if parsed is None or isinstance(parsed, ipaddress.IPv4Address):
        return address if parsed is None else str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def is_within(address: str, networks: Collection[Network]) -> bool:
    """Whether the address belongs to one of the networks."""
    parsed = find_address(address)
    return parsed is not None and any(parsed in network for network in networks)


def read_proxies(environ: Mapping[str, str]) -> tuple[Network, ...]:
    """The proxies whose `X-Forwarded-For` counts: addresses and networks, or none.

    Raises:
        SettingsRejected: An entry is neither an address nor a network, or names every address.
    """
    written = environ.get(_NAME) or ""
    return tuple(_parse_network(each.strip()) for each in written.split(",") if written)


def _parse_network(written: str) -> Network:
    try:
        network = ipaddress.ip_network(written)
    except ValueError:
        raise SettingsRejected(
            f"{_NAME} is a list of addresses and networks, as in 10.0.0.7,10.1.0.0/16"
        ) from None
    if network.prefixlen == 0:
        raise SettingsRejected(f"{_NAME} names every address: name those of your proxies")
    return network
