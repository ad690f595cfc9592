"""The origin of a request behind proxies: `X-Forwarded-*` counts from named proxies only."""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Final

from gatepass.errors import SettingsRejected
from gatepass.http.request_adapters import HttpRequest

SOCKET_FILE: Final = "unix"
"""The name of every client that can reach the socket file of the server."""
_MAPPED_BITS: Final = 96
_SECURE: Final = {"https": "https", "wss": "https", "http": "http", "ws": "http"}


class TrustedProxies:
    """The addresses and networks whose `X-Forwarded-Proto`, `-For` and `-Host` count.

    Raises:
        SettingsRejected: A text is neither an address, a network nor `unix`, or names everybody.
    """

    def __init__(self, proxies: Iterable[str] = ()) -> None:
        if isinstance(proxies, str):
            raise SettingsRejected("trusted proxies are a collection of addresses, not one text")
        names = [str(proxy).strip() for proxy in proxies]
        self._socket_file = SOCKET_FILE in names
        self._networks = tuple(_parse(name) for name in names if name != SOCKET_FILE)

    def scheme(self, request: HttpRequest) -> str:
        """The scheme of the client, `http` or `https`; `ws` counts as `http`, `wss` as `https`."""
        if self.trusts(request.peer):
            told = _values(request.header("x-forwarded-proto"))
            if told and told[-1].lower() in _SECURE:
                return _SECURE[told[-1].lower()]
        return _SECURE.get(request.scheme, "http")

    def client(self, request: HttpRequest) -> str:
        """The client's address: the last one in `X-Forwarded-For` that is no proxy of ours."""
        address = request.peer
        if self.trusts(address):
            for told in reversed(_values(request.header("x-forwarded-for"))):
                found = find_address(_without_port(told))
                if found is None:
                    break
                address = str(found)
                if not self.trusts(address):
                    break
        return address

    def host(self, request: HttpRequest) -> str:
        """The host that the client requested, in small letters; `""` when that is unclear."""
        hosts = request.header("host")
        if self.trusts(request.peer):
            hosts = _values(request.header("x-forwarded-host"))[-1:] or hosts
        return hosts[0].strip().lower() if len(hosts) == 1 else ""

    def is_replaced(self, request: HttpRequest) -> bool:
        """Whether the peer is a hop of `X-Forwarded-For`, by which a server has replaced it."""
        hops = _values(request.header("x-forwarded-for"))
        peer = find_address(request.peer)
        return peer is not None and peer in {find_address(_without_port(hop)) for hop in hops}

    def trusts(self, address: str) -> bool:
        """Whether headers of this address about other clients count; `""` is a socket file."""
        if not address:
            return self._socket_file
        if not self._networks:
            return False
        parsed = find_address(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def _values(headers: Sequence[str]) -> list[str]:
    """The members of a list header (RFC 9110 §5.6.1), in order."""
    return [part.strip() for header in headers for part in header.split(",") if part.strip()]


def _without_port(told: str) -> str:
    """An address as some proxies write it: `203.0.113.9:5000` or `[2001:db8::9]:5000`."""
    if told.startswith("["):
        return told[1:].partition("]")[0]
    return told.partition(":")[0] if told.count(":") == 1 else told


def find_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address in this text, an IPv4 one where it is mapped into IPv6."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _parse(name: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """The network in this text, an IPv4 one where it is mapped into IPv6, as servers log it."""
    try:
        network = ipaddress.ip_network(name)
    except ValueError:
        raise SettingsRejected(
            "a trusted proxy is written as 10.0.0.7, 10.0.0.0/8 or unix"
        ) from None
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= _MAPPED_BITS:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            network = ipaddress.IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))
    if network.prefixlen == 0:
        raise SettingsRejected(
            f"trusted proxies hold every address ({name}), so that every client could choose its "
            "own: write those of your proxies"
        )
    return network
