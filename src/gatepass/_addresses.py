"""Accepts the addresses of servers: https, or plain http on this very machine (pure)."""

import ipaddress
import re
from typing import Final

import httpx

from gatepass.errors import SettingsRejected

_LONGEST: Final = 2048
_NUMBER: Final = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?$")
"""A host that ends like this is an IPv4 address to a resolver, in any spelling ("127.1")."""


def parse_address(
    text: object, *, may_be_loopback: bool = True, plain_http_host: str | None = None
) -> httpx.URL:
    """The address in this text.

    Args:
        text: An absolute URL, without user name, password and fragment.
        may_be_loopback: Take this machine's own addresses, which plain http may go to.
        plain_http_host: The one other host that plain http may go to; "" if the caller may name
            one, `None` if there is no such option.

    Raises:
        SettingsRejected: The text is no URL, or gatepass sends no request to this address.
    """
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise SettingsRejected("an address is an https URL")
    try:
        url = httpx.URL(text)
        is_unclear = _NUMBER.search(url.host) is not None and _ip_address(url) is None
    except (httpx.InvalidURL, ValueError):  # a host that IDNA cannot decode is one of them
        raise SettingsRejected("the address is not a URL") from None
    if is_unclear:
        raise SettingsRejected("the host of the address is a number, but no IP address")
    may_be_plain = is_loopback(url) or url.host == plain_http_host
    if url.scheme != "https" and not (url.scheme == "http" and may_be_plain):
        cure = "" if plain_http_host is None else " and for accept_plain_http_from_host="
        raise SettingsRejected(f"the address is not https (plain http is for this machine{cure})")
    if not may_be_loopback and _may_be_own(url):
        raise SettingsRejected("another machine's document names an address of this one")
    if not url.host or url.userinfo or url.fragment:
        raise SettingsRejected("the address has no host, or a password or a fragment")
    return url


def is_loopback(url: httpx.URL) -> bool:
    """Whether this is certainly an address of the machine that runs this."""
    address = _ip_address(url)
    return url.host == "localhost" or (address is not None and address.is_loopback)


def _may_be_own(url: httpx.URL) -> bool:
    """Whether some resolver or system takes this for the machine itself (RFC 6761 §6.3)."""
    address = _ip_address(url)
    if address is None:
        return f".{url.host.rstrip('.')}".endswith(".localhost")
    mapped = getattr(address, "ipv4_mapped", None)
    return any(each.is_loopback or each.is_unspecified for each in (address, mapped or address))


def _ip_address(url: httpx.URL) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(url.host)
    except ValueError:
        return None
