"""`RemoteKeySet` and its async twin: keys of another issuer as a `KeySource` for verifiers."""

import asyncio
import concurrent.futures
import ssl
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import ClassVar, Final, Literal, Self

from gatepass._addresses import parse_address
from gatepass.errors import SettingsRejected
from gatepass.jose import KeySet
from gatepass.remote._fetching import Place
from gatepass.remote._source import RemoteSource

Seconds = timedelta | float
_DAY: Final = 86400.0
_OPENID: Final = "/.well-known/openid-configuration"
_GRACE_S: Final = 1.0
_steady: Final[Callable[[], float]] = (
    partial(time.clock_gettime, time.CLOCK_BOOTTIME)  # does not stop while the machine sleeps
    if hasattr(time, "CLOCK_BOOTTIME")
    else time.monotonic
)


class _RemoteKeySet(RemoteSource):
    """What both twins offer."""

    def __init__(  # noqa: PLR0913 - keyword-only, one per rule
        self,
        url: str,
        *,
        algorithm: str | None = None,
        issuer: str | None = None,
        cooldown: Seconds = 10,
        timeout: Seconds = 5,
        max_age: Seconds = timedelta(hours=1),
        max_stale: Seconds = timedelta(hours=24),
        tls: ssl.SSLContext | None = None,
        now: Callable[[], float] = _steady,
    ) -> None:
        """Take the address; nothing is fetched before the first token comes.

        Args:
            url: Where the JWKS is, over https; plain http only on this machine. With `issuer`
                it is where that issuer's metadata is.
            algorithm: The algorithm of RSA keys that name none, e.g. "RS256".
            issuer: What the metadata must say of itself; see `from_issuer`.
            cooldown: How long after a fetch none follows, whatever is asked for; 1 s to 5 min.
            timeout: How long a fetch may take in all; up to a minute.
            max_age: How long keys hold at most, whatever the issuer's `Cache-Control` says;
                1 s to a day. At least it is a minute, unless this is less.
            max_stale: How long they stay in force while fetching fails; up to a day.
            tls: How to check the server's certificate; by default as httpx does.
            now: A clock in seconds that never goes back.

        Raises:
            SettingsRejected: The address or a time is refused.
        """
        times = (
            _seconds("cooldown", cooldown, 1, 300),
            _seconds("timeout", timeout, 0.1, 60),
            _seconds("max_age", max_age, 1, _DAY),
            _seconds("max_stale", max_stale, 0, _DAY),
        )
        place = Place(parse_address(url), issuer)
        super().__init__(place, algorithm=algorithm, times=times, tls=tls, now=now)

    @classmethod
    def from_issuer(
        cls,
        issuer: str,
        *,
        algorithm: str | None = None,
        cooldown: Seconds = 10,
        timeout: Seconds = 5,
        max_age: Seconds = timedelta(hours=1),
        max_stale: Seconds = timedelta(hours=24),
        tls: ssl.SSLContext | None = None,
        now: Callable[[], float] = _steady,
    ) -> Self:
        """The keys that an issuer's metadata points to (OpenID Connect Discovery §4).

        The metadata's `issuer` must be exactly this one, the `iss` of its tokens.

        Raises:
            SettingsRejected: The address or a time is refused; an issuer has no query (RFC 8414
                §2), for the path to its metadata would become a part of it.
        """
        return cls(
            _metadata_url(issuer),
            algorithm=algorithm,
            issuer=issuer,
            cooldown=cooldown,
            timeout=timeout,
            max_age=max_age,
            max_stale=max_stale,
            tls=tls,
            now=now,
        )

    @property
    def _patience_s(self) -> float:
        """How long anybody waits for a fetch, which ends by itself a little before."""
        return self._timeout_s + _GRACE_S

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._place.url.host}>"


class RemoteKeySet(_RemoteKeySet):
    """Keys of another issuer, for `TokenVerifier` and `jose.verify`; they verify, never sign.

    Public keys only: an entry that is shared, private, weak or broken is left out.
    """

    is_async: ClassVar[Literal[False]] = False

    def refresh(self) -> KeySet:
        """The keys, fetched now unless that was done within the cool-down; for a start-up check.

        Raises:
            KeysUnavailable: There are none.
        """
        return self._fetch(self._now())

    def _fetch(self, wanted_at: float) -> KeySet:
        flight = self._join(wanted_at)
        if flight is not None:
            concurrent.futures.wait((flight,), self._patience_s)
        return self._decide(wanted_at)


class AsyncRemoteKeySet(_RemoteKeySet):
    """`RemoteKeySet` for `AsyncTokenVerifier`; fetches on another thread, on no loop of yours."""

    is_async: ClassVar[Literal[True]] = True

    async def refresh(self) -> KeySet:
        """See `RemoteKeySet.refresh`."""
        return await self._fetch(self._now())

    async def _fetch(self, wanted_at: float) -> KeySet:
        flight = self._join(wanted_at)
        if flight is not None:
            await asyncio.wait((asyncio.wrap_future(flight),), timeout=self._patience_s)
        return self._decide(wanted_at)


def _metadata_url(issuer: object) -> str:
    if not isinstance(issuer, str) or "?" in issuer:
        raise SettingsRejected("an issuer is an https URL without a query")
    return issuer.removesuffix("/") + _OPENID


def _seconds(name: str, value: object, least: float, most: float) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise SettingsRejected(f"{name} is a timedelta or a number of seconds")
    if not least <= seconds <= most:
        raise SettingsRejected(f"{name} is {least:g} to {most:g} seconds")
    return float(seconds)
