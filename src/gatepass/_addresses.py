"""Which addresses are talked to: https, or plain http on this very machine (pure)."""

import ipaddress
from typing import Final

import httpx

from gatepass.errors import SettingsRejected

_LONGEST: Final = 2048


def parse_address(text: object, *, may_be_loopback: bool = True) -> httpx.URL:
    """The address in this text.

    Args:
        text: An absolute URL, without user name, password and fragment.
        may_be_loopback: Take this machine's own addresses, which plain http may go to.

    Raises:
        SettingsRejected: Nothing is asked of, or sent to, this address.
    """
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise SettingsRejected("an address is an https URL")
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        raise SettingsRejected("the address is not a URL") from None
    is_own = is_loopback(url)
    if url.scheme != "https" and not (url.scheme == "http" and is_own):
        raise SettingsRejected("the address is not https (plain http is for this machine only)")
    if is_own and not may_be_loopback:
        raise SettingsRejected("another machine's document names an address of this one")
    if not url.host or url.userinfo or url.fragment:
        raise SettingsRejected("the address has no host, or a password or a fragment")
    return url


def is_loopback(url: httpx.URL) -> bool:
    """Whether this is an address of the machine that runs this."""
    if url.host == "localhost":
        return True
    try:
        return ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        return False
