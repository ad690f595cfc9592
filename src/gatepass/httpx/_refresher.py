"""One refresh for any number of requests, in this process and among all that share a storage.

The refresh runs on a thread of its own: other callers go on if one is cancelled or interrupted,
and the pair that the server has given out is kept in any case. The lock is held for the refresh
only, never during a caller's request.
"""

import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from gatepass._exchange import run_apart
from gatepass._forks import ForkAware, watch_forks
from gatepass.errors import GatepassError, SessionError, StoreUnavailable, TokenMissing
from gatepass.httpx._server import AuthServer
from gatepass.httpx.storage import TokenStorage
from gatepass.httpx.tokens import Tokens

_NOBODY: Final = "nobody is logged in"
LOCK_S: Final = 8.0
"""How long a refresh waits for that of another process before it goes on without the lock."""
_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 30.0
_FRESH_S: Final = 10.0
_FRESH_SHARE: Final = 0.2
"""A pair that is rejected so soon after it came is not exchanged again."""


@dataclass(slots=True)
class Flight:
    """A refresh or a logout under way, and its outcome."""

    done: Future[None] = field(default_factory=Future)
    tokens: Tokens | None = None
    failure: GatepassError | None = field(
        default_factory=lambda: StoreUnavailable("the auth server has not answered in time")
    )

    def outcome(self) -> Tokens:
        """The pair to go on with.

        Raises:
            TokenMissing, SessionError: The session is over: log in again.
            StoreUnavailable: The outcome is not known yet: try again.
        """
        self.require_success()
        if self.tokens is None:
            raise TokenMissing(_NOBODY)
        return self.tokens

    def require_success(self) -> None:
        """Raise the error of the refresh, if it failed."""
        failure = self.failure
        if failure is None:
            return
        # One per caller: a traceback grows with every raise.
        copy = type(failure)(str(failure))
        if isinstance(copy, StoreUnavailable) and isinstance(failure, StoreUnavailable):
            copy.retry_after = failure.retry_after
        raise copy


class Refresher(ForkAware):
    """Starts refreshes, one at a time, and puts their pairs into the storage."""

    def __init__(
        self,
        server: AuthServer,
        storage: TokenStorage,
        *,
        now: Callable[[], float],
        steady: Callable[[], float],
    ) -> None:
        self._server = server
        self._storage = storage
        self._now = now
        self._steady = steady
        self._lock = threading.Lock()
        self._flight: Flight | None = None
        self._last: Flight | None = None
        self._failures = 0
        self._not_before = 0.0
        self._renewed: tuple[str, float] | None = None
        watch_forks(self)

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`."""
        if in_child:
            self._lock = threading.Lock()
            self._flight = None

    def load(self) -> Tokens:
        """The pair of this moment; `TokenMissing` when nobody is logged in."""
        tokens = self._storage.load()
        if tokens is None:
            raise TokenMissing(_NOBODY)
        return tokens

    def renew(self, stale: Tokens) -> Flight:
        """A refresh of this pair: already done if another request was quicker, or under way.

        Raises:
            TokenMissing: Nobody is logged in any more.
            StoreUnavailable: A refresh has just failed, and it is too early for the next.
        """
        with self._lock:
            tokens = self.load()
            if tokens.access_token != stale.access_token or self._is_fresh(tokens):
                return _landed(tokens)
            if self._flight is not None:
                return self._flight
            if self._last is not None and self._steady() < self._not_before:
                self._last.require_success()
            return self._start(tokens)

    def log_out(self) -> Flight:
        """Forget the pair and end its session, under way."""
        flight = Flight()
        _set_out(partial(self._log_out, flight), flight)
        return flight

    async def _log_out(self, flight: Flight) -> None:
        try:
            tokens = self._storage.load()
            if tokens is not None:
                await self._end(tokens)
            flight.failure = None
        except GatepassError as error:
            flight.failure = error

    async def _end(self, tokens: Tokens) -> None:
        # Forgotten first: a refresh under way then finds nothing to replace with its pair.
        self._storage.save(None)
        try:
            await self._server.log_out(tokens.refresh_token)
        except StoreUnavailable:
            self._storage.replace(None, tokens)
            raise

    def _is_fresh(self, tokens: Tokens) -> bool:
        """Whether this pair came from a refresh just now: another would not help it."""
        renewed = self._renewed
        return (
            renewed is not None
            and renewed[0] == tokens.access_token
            and self._now() < tokens.expires_at
            and self._steady() < renewed[1] + min(_FRESH_S, tokens.lifetime * _FRESH_SHARE)
        )

    def _start(self, tokens: Tokens) -> Flight:
        flight = Flight()
        _set_out(partial(self._fly, flight, tokens), flight)
        self._flight = flight
        return flight

    async def _fly(self, flight: Flight, stale: Tokens) -> None:
        try:
            with self._storage.refreshing(LOCK_S):
                flight.tokens = await self._refresh(stale)
            flight.failure = None
        except GatepassError as error:
            flight.failure = error
        finally:
            with self._lock:
                self._land(flight)

    async def _refresh(self, stale: Tokens) -> Tokens:
        """Read the storage again under the lock; ask the server; keep its answer.

        The storage says first that a refresh is under way: a program that is killed before it has
        the answer asks again when it is started, while the server still repeats the answer.
        """
        found = self.load()
        if found.access_token != stale.access_token:
            return found
        tokens = replace(found, is_refreshing=True)
        # If the pair is another by now, the answer will not replace it either.
        self._storage.replace(found, tokens)
        try:
            successor: Tokens | None = await self._server.refresh(tokens.refresh_token)
        except SessionError:
            if self._storage.replace(tokens, None):
                raise
            successor = None
        if successor is not None and self._storage.replace(tokens, successor):
            return successor
        # Logged out or in meanwhile, or a sibling was quicker: the pair in the storage counts.
        return self.load()

    def _land(self, flight: Flight) -> None:
        if self._flight is flight:
            self._flight = None
        self._last = flight
        now = self._steady()
        if isinstance(flight.failure, StoreUnavailable):
            self._failures += 1
            pause_s = min(_PAUSE_S * 2 ** (self._failures - 1), _LONGEST_PAUSE_S)
            self._not_before = now + max(pause_s, flight.failure.retry_after or 0)
        else:
            self._failures, self._not_before = 0, now
        if flight.tokens is not None:
            self._renewed = flight.tokens.access_token, now


def _set_out(work: Callable[[], Coroutine[Any, Any, None]], flight: Flight) -> None:
    """Begin the work on a thread that is no daemon: a daemon could end before the pair is kept."""
    try:
        run_apart(work, flight.done, is_daemon=False)
    except RuntimeError:
        raise StoreUnavailable("this process cannot have another thread") from None


def _landed(tokens: Tokens) -> Flight:
    flight = Flight(tokens=tokens, failure=None)
    flight.done.set_result(None)
    return flight
