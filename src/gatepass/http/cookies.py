"""Tokens in cookies: names, attributes, size and how they are read back (RFC 6265bis)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NoReturn

from gatepass.errors import ClaimsRejected, SettingsRejected
from gatepass.http.kinds import keys, require
from gatepass.http.problems import INVALID_REQUEST, RequestRefused

MAX_COOKIE: Final = 4096
"""Bytes that browsers keep of a cookie with its name and attributes; longer ones are dropped."""
_MIN_CSRF_KEY: Final = 32
_YEAR: Final = 365 * 86_400
_DOMAIN: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.ASCII)
_PATH: Final = re.compile(r"/[A-Za-z0-9._~!$&'()*+,=:@%/-]{0,254}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookies:
    """Attributes of the cookies: HttpOnly, Secure, SameSite=Strict, for one host, prefixed.

    Raises:
        SettingsRejected: A value is out of bounds.
    """

    mount_prefix: str | None = None
    """The path under which browsers see the auth routes.

    By default the path of the mount, behind the root path of the request.
    """
    csrf_keys: Sequence[bytes] = field(default=(), repr=False)
    """The key of the CSRF token, then those also accepted; by default the refresh keys' own."""
    send_on_links_from_other_sites: bool = False
    """SameSite=Lax: browsers send the cookies also with a link from another site."""
    share_with_subdomains_of: str | None = None
    """A cookie domain: every host below it receives the tokens, and may overwrite them."""
    insecure_for_development_over_http: bool = False
    """Neither `Secure` nor prefixes, which browsers reject over http."""

    def __post_init__(self) -> None:
        domain, prefix = self.share_with_subdomains_of, self.mount_prefix
        require("share_with_subdomains_of", domain, str, optional=True)
        require("mount_prefix", prefix, str, optional=True)
        for name in ("send_on_links_from_other_sites", "insecure_for_development_over_http"):
            require(name, getattr(self, name), bool)
        if domain is not None and not _DOMAIN.fullmatch(domain):
            raise SettingsRejected("a cookie domain is written as example.com")
        if prefix is not None and not _PATH.fullmatch(prefix):
            raise SettingsRejected("a mount prefix is written as /auth, in at most 255 characters")
        csrf_keys = keys("csrf_keys", self.csrf_keys, _MIN_CSRF_KEY)
        object.__setattr__(self, "csrf_keys", csrf_keys)

    @property
    def access(self) -> str:
        """The name of the access token's cookie."""
        return f"{self._host_prefix}gatepass-access"

    @property
    def refresh(self) -> str:
        """The name of the refresh token's cookie, which only the auth routes receive."""
        return f"{self._prefix('__Secure-')}gatepass-refresh"

    @property
    def csrf(self) -> str:
        """The name of the CSRF token's cookie, the one that scripts can read."""
        return f"{self._host_prefix}gatepass-csrf"

    @property
    def device(self) -> str:
        """The name of the cookie that marks a device; a logout leaves it."""
        return f"{self._host_prefix}gatepass-device"

    def refresh_path(self, mounted_at: str, root_path: str = "") -> str:
        """The `Path` of the refresh cookie for routes that were mounted there.

        A root path that is no path for a cookie, or too long for one beside a token, counts as
        none: a client may have chosen it.
        """
        root = root_path.rstrip("/") if _PATH.fullmatch(root_path) else ""
        prefix = root + mounted_at if self.mount_prefix is None else self.mount_prefix
        return prefix.rstrip("/") or "/"

    def set(
        self,
        access: str,
        refresh: str,
        csrf: str,
        *,
        seconds: int,
        mounted_at: str,
        root_path: str = "",
    ) -> tuple[tuple[str, str], ...]:
        """The headers that set all three.

        The access cookie lives as long as the refresh cookie, so that an expired token is reported
        as expired and not as missing.

        Raises:
            ClaimsRejected: A cookie would be too large for browsers to keep.
        """
        path = self.refresh_path(mounted_at, root_path)
        written = (
            self._cookie(self.access, access, "/", seconds, hidden=True),
            self._cookie(self.refresh, refresh, path, seconds, hidden=True),
            self._cookie(self.csrf, csrf, "/", seconds, hidden=False),
        )
        return tuple(("Set-Cookie", cookie) for cookie in written)

    def clear(self, *, mounted_at: str, root_path: str = "") -> tuple[tuple[str, str], ...]:
        """The headers that remove all three; only a logout sends them."""
        return self.set("", "", "", seconds=0, mounted_at=mounted_at, root_path=root_path)

    def set_device(self, marks: str) -> tuple[tuple[str, str], ...]:
        """The header that sets the marks of a device for a year."""
        return (("Set-Cookie", self._cookie(self.device, marks, "/", _YEAR, hidden=True)),)

    @property
    def _host_prefix(self) -> str:
        shared = self.share_with_subdomains_of is not None
        return self._prefix("__Secure-" if shared else "__Host-")

    def _prefix(self, prefix: str) -> str:
        return "" if self.insecure_for_development_over_http else prefix

    def _cookie(self, name: str, value: str, path: str, seconds: int, *, hidden: bool) -> str:
        domain = self.share_with_subdomains_of
        same_site = "Lax" if self.send_on_links_from_other_sites else "Strict"
        # In the order of `http.cookies`, which some frameworks write their cookies with.
        parts = [f"{name}={value}"]
        parts += [] if domain is None else [f"Domain={domain}"]
        parts += ["HttpOnly"] if hidden else []
        parts += [f"Max-Age={seconds}", f"Path={path}", f"SameSite={same_site}"]
        parts += [] if self.insecure_for_development_over_http else ["Secure"]
        cookie = "; ".join(parts)
        if len(cookie.encode()) > MAX_COOKIE:
            raise ClaimsRejected(
                f"the cookie {name} has {len(cookie.encode())} bytes, and browsers keep "
                f"{MAX_COOKIE}: put less into the claims"
            )
        return cookie


def find_cookie(headers: Sequence[str], name: str) -> str | None:
    """The value of a cookie that holds a token; `None` when it is absent or empty.

    Raises:
        RequestRefused: The cookie is given twice, also in headers that a server joined.
    """
    found = None
    for header in headers:
        if name not in header:
            continue
        if "," in header and re.search(rf",\s*{re.escape(name)}=", header):
            _refuse_second(name)
        for pair in header.split(";"):
            key, _, value = pair.partition("=")
            if key.strip(" \t") != name:
                continue
            if found is not None:
                _refuse_second(name)
            found = value.strip(" \t").strip('"')
    return found or None


def _refuse_second(name: str) -> NoReturn:
    reason = f"the cookie {name} is given twice: one may come from a sub-domain, or another path"
    raise RequestRefused(INVALID_REQUEST, reason=reason)
