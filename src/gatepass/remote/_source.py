"""The state of both remote key sets: which keys are in force, and when to fetch them again.

1. A key set is in force from its fetch on. At four fifths of its lifetime, give or take a
   twentieth, it is fetched again in the background.
2. At the end of its lifetime callers wait for a fetch. Only if that fails the old keys stay in
   force, up to `max_stale` after their own fetch, and no caller waits for the attempts that
   follow at once.
3. A token whose `kid` is missing makes its caller wait for a fetch. The answer is final if that
   fetch began after the question; otherwise the caller is told to try again.
4. One fetch runs at a time, and none starts within `cooldown` of the start of the last one, so
   that nobody can make this process flood an issuer.
5. A key that the issuer no longer lists is no longer accepted, even if no key remains.
6. A lock guards the state, and no thread waits while it holds the lock. `current` takes it only
   when a fetch may be due.
"""

import logging
import math
import random
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from functools import partial
from typing import Any, Final

from gatepass._addresses import parse_address
from gatepass._exchange import ExchangeFailed, default_tls, run_apart
from gatepass._forks import ForkAware, watch_forks
from gatepass.errors import KeysUnavailable, SettingsRejected
from gatepass.jose import Key, KeySet, VerificationKey
from gatepass.jose.keyset import KeysWanted
from gatepass.remote._documents import FetchedKeySet
from gatepass.remote._fetching import Fetched, KeysAddress, fetch_keys, oauth_metadata

_logger = logging.getLogger("gatepass")
_DUE: Final = 0.8
_JITTER: Final = 0.05
_ATTEMPTS_APART_S: Final = 60.0
_NEVER: Final = -math.inf
_DAY_S: Final = 86400.0
_steady: Final[Callable[[], float]] = (
    partial(time.clock_gettime, time.CLOCK_BOOTTIME)  # does not stop while the machine sleeps
    if hasattr(time, "CLOCK_BOOTTIME")
    else time.monotonic
)

Seconds = timedelta | float


class RemoteSource(ForkAware):
    """The constructor and the state of both twins."""

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
        accept_plain_http_from_host: str | None = None,
        now: Callable[[], float] = _steady,
    ) -> None:
        """Take the address; the first token makes the first fetch.

        Args:
            url: The https address of the JWKS, or with `issuer` of that issuer's metadata. Plain
                http is accepted only for this machine.
            algorithm: The algorithm of RSA keys that name none, e.g. "RS256".
            issuer: The `issuer` that the metadata must have; see `from_issuer`. If the server has
                none at `url`, RFC 8414's address for this issuer is tried.
            cooldown: The shortest time between the starts of two fetches; 1 s to 5 min.
            timeout: The time limit of a fetch as a whole; 0.1 s to a minute.
            max_age: The longest lifetime of keys, whatever the issuer's `Cache-Control` says;
                1 s to a day. The shortest lifetime is a minute, unless `max_age` is less.
            max_stale: The time for which keys stay in force while fetches fail; up to a day.
            tls: The rules for the server's certificate; by default those of httpx.
            accept_plain_http_from_host: One more host for plain http, inside a cluster. Everybody
                on the way to it can answer with keys of their own, and so forge every token.
            now: A clock in seconds that never goes back.

        Raises:
            SettingsRejected: The address or a time is not accepted.
        """
        self._cooldown_s = _seconds("cooldown", cooldown, 1, 300)
        self._timeout_s = _seconds("timeout", timeout, 0.1, 60)
        self._max_age_s = _seconds("max_age", max_age, 1, _DAY_S)
        self._max_stale_s = _seconds("max_stale", max_stale, 0, _DAY_S)
        plain = accept_plain_http_from_host or ""
        texts = (url,) if issuer is None else (url, oauth_metadata(issuer))
        urls = tuple(parse_address(each, plain_http_host=plain) for each in texts)
        self._address = KeysAddress(urls, issuer, plain)
        self._algorithm = algorithm
        self._tls = tls
        self._now = now
        self._lock = threading.Lock()
        self._keys: FetchedKeySet | None = None
        self._version = 0
        self._calm_until = _NEVER
        """Until this moment `current` need not take the lock."""
        self._holds_until = _NEVER
        self._stale_until = _NEVER
        self._tried_at = _NEVER
        self._fetched_at = _NEVER
        """The start of the fetch that returned the keys in force."""
        self._failed_at = _NEVER
        """The start of the last fetch that failed."""
        self._flight: Future[None] | None = None
        self._failure = "they were not fetched yet"
        self._left_out = ""
        watch_forks(self)

    @property
    def version(self) -> int:
        """A number that grows each time other keys come into force."""
        return self._version

    def current(self) -> KeySet:
        """The keys in force; starts a fetch in the background when one is due.

        Raises:
            KeysWanted: There are no keys yet, or their lifetime has ended.
            KeysUnavailable: The same, and a fetch has just failed.
        """
        keys = self._keys
        if keys is not None and self._now() < self._calm_until:
            return keys
        return self._look()

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`; the child runs no fetch of its parent's."""
        if in_child:
            self._lock = threading.Lock()
            if self._flight is not None:
                self._flight, self._tried_at = None, _NEVER

    def _look(self) -> KeySet:
        with self._lock:
            now, keys = self._now(), self._keys
            is_cooling = now < self._tried_at + self._cooldown_s
            if keys is not None and (now < self._holds_until or self._is_failing(now)):
                if self._flight is None and not is_cooling:
                    self._start(now)
                return keys
            if self._flight is not None or not is_cooling:
                raise KeysWanted(partial(self._fetch, now), retry_after=self._retry_after(now))
            if keys is None or now >= self._stale_until:
                raise self._unavailable(now)
            self._calm_until = min(self._tried_at + self._cooldown_s, self._stale_until)
            return keys

    def _is_failing(self, now: float) -> bool:
        """Whether the last fetch of stale keys failed, and the next one runs or is soon due."""
        lasts_s = self._cooldown_s + self._timeout_s + _ATTEMPTS_APART_S
        return self._failed_at >= self._holds_until and now < min(
            self._failed_at + lasts_s, self._stale_until
        )

    def _fetch(self, wanted_at: float) -> Any:
        raise NotImplementedError

    def _want(self) -> KeysWanted:
        now = self._now()
        return KeysWanted(partial(self._fetch, now), retry_after=self._retry_after(now))

    def _join(self, wanted_at: float) -> Future[None] | None:
        """The fetch to wait for, under way or new; `None` if there is none to wait for."""
        with self._lock:
            if self._fetched_at >= wanted_at:
                return None
            now = self._now()
            if self._flight is None and now >= self._tried_at + self._cooldown_s:
                self._start(now)
            return self._flight

    def _decide(self, wanted_at: float) -> KeySet:
        """The keys that decide; a `kid` missing there is final if they are new enough (rule 3).

        Raises:
            KeysUnavailable: No keys are in force.
        """
        with self._lock:
            now, keys = self._now(), self._keys
            if keys is None or now >= self._stale_until:
                raise self._unavailable(now)
            return keys.as_fetched if self._fetched_at >= wanted_at else keys

    def _start(self, now: float) -> None:
        flight: Future[None] = Future()
        self._tried_at = now
        self._flight = flight
        try:
            run_apart(partial(self._fly, flight, now), flight, is_daemon=True)
        except RuntimeError:
            self._flight = None
            self._failure = "this process cannot have another thread"

    async def _fly(self, flight: Future[None], began: float) -> None:
        """Run one fetch and put its outcome into force."""
        try:
            if self._tls is None:
                self._tls = default_tls()
            fetched = await fetch_keys(
                self._address,
                algorithm=self._algorithm,
                tls=self._tls,
                timeout_s=self._timeout_s,
                longest_s=self._max_age_s,
            )
            with self._lock:
                self._land(fetched, began)
        except ExchangeFailed as error:
            self._failure, self._failed_at = str(error), began
            _logger.warning("the keys of %s were not fetched: %s", self._address.host, error)
        finally:
            with self._lock:
                if self._flight is flight:
                    self._flight = None

    def _land(self, fetched: Fetched, began: float) -> None:
        """Put fetched keys into force."""
        if _names(fetched.keys) != _names(() if self._keys is None else self._keys.keys):
            keys = KeySet(*fetched.keys) if fetched.keys else None
            if keys is not None:
                keys.left_out = fetched.left_out
            self._keys = None if keys is None else FetchedKeySet(keys, self._want)
            self._version += 1
            _logger.info("keys of %s: %s in force", self._address.host, len(fetched.keys))
        self._failure = f"the issuer publishes no usable key: {fetched.left_out}"
        if fetched.left_out != self._left_out:
            level = logging.INFO if fetched.keys else logging.WARNING
            what = "left out of its JWKS" if fetched.keys else "its JWKS has no usable key"
            _logger.log(level, "keys of %s: %s: %s", self._address.host, what, fetched.left_out)
        self._left_out = fetched.left_out
        share = _DUE + random.uniform(-_JITTER, _JITTER)  # noqa: S311 - nothing to guess
        self._fetched_at = began
        self._holds_until = began + fetched.lifetime_s
        self._stale_until = began + max(self._max_stale_s, fetched.lifetime_s)
        self._calm_until = began + fetched.lifetime_s * share

    def _retry_after(self, now: float) -> int:
        if self._flight is not None:
            return 1
        return math.ceil(max(1.0, self._tried_at + self._cooldown_s - now))

    def _unavailable(self, now: float) -> KeysUnavailable:
        message = f"the keys of {self._address.host} are unavailable: {self._failure}"
        return KeysUnavailable(message, retry_after=self._retry_after(now))


def _names(keys: tuple[VerificationKey, ...] | tuple[Key, ...]) -> list[tuple[str, str, str]]:
    return [
        (key.algorithm, key.kid or "", key.thumbprint)
        for key in keys
        if isinstance(key, VerificationKey)
    ]


def _seconds(name: str, value: object, least: float, most: float) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise SettingsRejected(f"{name} is a timedelta or a number of seconds")
    if not least <= seconds <= most:
        raise SettingsRejected(f"{name} is {least:g} to {most:g} seconds")
    return float(seconds)
