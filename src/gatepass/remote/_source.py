"""What both remote key sets are made of: which keys hold, and when they are fetched again.

A set in force is due for another look at four fifths of its lifetime: it is fetched again in
the background. At the end of its lifetime nobody is served before it was; only when that fails
it stays in force, up to `max_stale`, and nobody waits for the attempts that follow at once.
Whatever asks for a fetch, there is one at a time, and none starts within `cooldown` of the one
before.
"""

import logging
import math
import random
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

from gatepass._exchange import ExchangeFailed, default_tls, run_apart
from gatepass._forks import ForkAware, watch_forks
from gatepass.errors import KeysUnavailable
from gatepass.jose import ALGORITHMS, Key, KeySet, VerificationKey
from gatepass.jose.keyset import KeysWanted
from gatepass.remote._documents import key_set
from gatepass.remote._fetching import Fetched, Place, fetch_keys

_logger = logging.getLogger("gatepass")
_DUE: Final = 0.8
_JITTER: Final = 0.05
_ATTEMPTS_APART_S: Final = 60.0
_NEVER: Final = -math.inf
_PUBLIC: Final = frozenset(name for name, row in ALGORITHMS.items() if row.kty != "oct")


class FetchedKeySet(KeySet):
    """Keys of an issuer, who may have published another since: a `kid` missing here is wanted."""

    __slots__ = ("_kids", "_want", "as_fetched")

    def __init__(self, as_fetched: KeySet, want: Callable[[], KeysWanted]) -> None:
        super().__init__(*as_fetched.keys)
        self.as_fetched = as_fetched
        """The same keys for whoever knows that there are no others."""
        self._kids = frozenset(key.kid for key in as_fetched.keys)
        self._want = want

    def candidates(self, algorithm: str, kid: str | None) -> tuple[Key, ...]:
        """As `KeySet.candidates`, but of an unknown name `KeysWanted` is raised."""
        if kid is not None and kid not in self._kids and algorithm in _PUBLIC:
            raise self._want()
        return super().candidates(algorithm, kid)


class RemoteSource(ForkAware):
    """The state that both twins share; a lock guards it, and nobody waits while holding it."""

    def __init__(
        self,
        place: Place,
        *,
        algorithm: str | None,
        times: tuple[float, float, float, float],
        tls: ssl.SSLContext | None,
        now: Callable[[], float],
    ) -> None:
        self._place = place
        self._algorithm = algorithm
        self._cooldown_s, self._timeout_s, self._max_age_s, self._max_stale_s = times
        self._tls = tls
        self._now = now
        self._lock = threading.Lock()
        self._keys: FetchedKeySet | None = None
        self._version = 0
        self._calm_until = _NEVER
        """Until then the keys are served without another thought."""
        self._holds_until = _NEVER
        self._stale_until = _NEVER
        self._tried_at = _NEVER
        self._fetched_at = _NEVER
        """When the fetch began that the keys in force came with."""
        self._failed_at = _NEVER
        """When the last fetch began that failed."""
        self._flight: Future[None] | None = None
        self._failure = "they were not fetched yet"
        watch_forks(self)

    @property
    def version(self) -> int:
        """A number that grows whenever other keys come into force."""
        return self._version

    def current(self) -> KeySet:
        """The keys in force; starts to fetch them again in the background when they are due.

        Raises:
            KeysWanted: There are none yet, or their lifetime has ended.
            KeysUnavailable: So it is, and fetching them has just failed.
        """
        keys = self._keys
        if keys is not None and self._now() < self._calm_until:
            return keys
        return self._look()

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`; no fetch goes on in the child."""
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
        """Whether the keys are known to be stale, and another attempt is under way or soon due."""
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
        """The fetch to wait for: the one under way or a new one; `None` when none may start."""
        with self._lock:
            if self._fetched_at >= wanted_at:
                return None
            now = self._now()
            if self._flight is None and now >= self._tried_at + self._cooldown_s:
                self._start(now)
            return self._flight

    def _decide(self, wanted_at: float) -> KeySet:
        """The keys to decide by; a name missing in them is final if they are new enough.

        Raises:
            KeysUnavailable: There are none.
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
        """One fetch, from its start to what becomes of it."""
        try:
            if self._tls is None:
                self._tls = default_tls()
            fetched = await fetch_keys(
                self._place,
                algorithm=self._algorithm,
                tls=self._tls,
                timeout_s=self._timeout_s,
                longest_s=self._max_age_s,
            )
            with self._lock:
                self._land(fetched, began)
        except ExchangeFailed as error:
            self._failure, self._failed_at = str(error), began
            _logger.warning("the keys of %s were not fetched: %s", self._place.url.host, error)
        finally:
            with self._lock:
                if self._flight is flight:
                    self._flight = None

    def _land(self, fetched: Fetched, began: float) -> None:
        """Put what was fetched into force."""
        if _names(fetched.keys) != _names(() if self._keys is None else self._keys.keys):
            keys = key_set(fetched.keys)
            self._keys = None if keys is None else FetchedKeySet(keys, self._want)
            self._version += 1
            _logger.info(
                "keys of %s: %s in force, %s entries not usable",
                self._place.url.host,
                len(fetched.keys),
                fetched.unused,
            )
        share = _DUE + random.uniform(-_JITTER, _JITTER)  # noqa: S311 - nothing to guess
        self._fetched_at = began
        self._holds_until = began + fetched.lifetime_s
        self._stale_until = began + max(self._max_stale_s, fetched.lifetime_s)
        self._calm_until = began + fetched.lifetime_s * share
        self._failure = "the issuer publishes no usable key"

    def _retry_after(self, now: float) -> int:
        if self._flight is not None:
            return 1
        return math.ceil(max(1.0, self._tried_at + self._cooldown_s - now))

    def _unavailable(self, now: float) -> KeysUnavailable:
        message = f"the keys of {self._place.url.host} are unavailable: {self._failure}"
        return KeysUnavailable(message, retry_after=self._retry_after(now))


def _names(keys: tuple[VerificationKey, ...] | tuple[Key, ...]) -> list[tuple[str, str, str]]:
    return [
        (key.algorithm, key.kid or "", key.thumbprint)
        for key in keys
        if isinstance(key, VerificationKey)
    ]
