"""`Watches`: a registry with the one tick that notices time, keys and a silent source.

1. Each event loop that has watches has one task, and all watches of threads have one thread.
   They run while there are watches, in no caller's context.
2. A tick compares, for each verifier, the soonest `exp` with the clock, and the key set with
   that of the last tick, by identity. Only if one of them has changed does it go through the
   verifier's watches. Then it lets the source of revocations look: SQLite reads its log, a stale
   replica asks its store.
3. A source of keys that fails ends the watches of its verifier, which would reject their tokens.
4. Keys that must be fetched are fetched beside the tick. Until they come, the watches of this
   verifier go on with the keys that they have, and all others are looked at as ever.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextvars import Context
from math import inf
from typing import Any, Final
from weakref import WeakMethod

from gatepass._maybe_await import run_in_place, settle
from gatepass.errors import KeysUnavailable, StoreUnavailable
from gatepass.watches.registry import Group, Registry, Steps, Watched

_LOG: Final = logging.getLogger("gatepass")
TICK_S: Final = 0.25
"""Seconds from one tick to the next, at most: so long a removed key may go unnoticed."""
POLL_S: Final = 0.05
"""The same where a tick reads the log, and at least everywhere, however many tokens expire."""


class Watches(Registry):
    """Every watch on one source of revocations."""

    def __init__(self, look: Callable[[], Steps[None]], period_s: float = TICK_S) -> None:
        super().__init__()
        self._source = WeakMethod(look)  # so that a source is dropped without the collector
        self._period_s = period_s
        self._tickers: dict[Any, object] = {}

    def add(self, watch: Watched) -> None:
        """See `Registry.add`; also raised if the system has no more threads."""
        super().add(watch)
        loop = watch.loop
        with self._lock:
            if loop in self._tickers:
                return
            self._forget_closed()
            if loop is not None:
                self._tickers[loop] = Context().run(loop.create_task, self._run_async(loop))
                return
            try:
                self._tickers[None] = _start(self._run, "gatepass-watches")
            except StoreUnavailable:
                self._take_out(watch)
                raise

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`."""
        super().after_fork(in_child=in_child)
        if in_child:
            self._tickers = {}

    def _forget_closed(self) -> None:
        """Drop the watches of event loops that were closed without ending their tasks."""
        for loop in [each for each in self._tickers if each is not None and each.is_closed()]:
            del self._tickers[loop]
            for (where, _), group in list(self._groups.items()):
                for watch in list(group.watches) if where is loop else ():
                    self._take_out(watch)

    def _groups_of(self, loop: Any) -> list[Group]:
        """The groups on this loop; if there are none, its ticker ends."""
        with self._lock:
            found = [group for (where, _), group in self._groups.items() if where is loop]
            if not found:
                self._tickers.pop(loop, None)
            return found

    def _run(self) -> None:
        while groups := self._groups_of(None):
            time.sleep(run_in_place(self._tick(groups)))

    async def _run_async(self, loop: Any) -> None:
        import asyncio  # noqa: PLC0415 - blocking programs do without

        try:
            while groups := self._groups_of(loop):
                wait_s = await self._tick(groups)
                await asyncio.sleep(wait_s)
        finally:
            self._tickers.pop(loop, None)

    async def _tick(self, groups: Iterable[Group]) -> float:
        """End all watches that hold no longer; seconds until the next tick."""
        wait_s = self._period_s
        for group in groups:
            try:
                wait_s = min(wait_s, self._tick_group(group))
            except Exception:  # noqa: BLE001 - the other groups are looked at all the same
                _LOG.exception("a look at watched connections failed")
        try:  # last: if it fails, time and keys were looked at
            await self._look()
        except Exception:  # noqa: BLE001 - the next tick looks again
            _LOG.exception("a look at watched connections failed")
        return max(wait_s, POLL_S)

    async def _look(self) -> None:
        look = self._source()
        if look is None:
            return
        steps, answer = look(), None
        try:
            while True:
                answer = await _outcome(steps.send(answer))
        except StopIteration:
            return

    def _tick_group(self, group: Group) -> float:
        terms, failure, keys, horizon = group.terms, None, None, inf
        try:
            keys = self._keys_of(group)
            horizon = terms.horizon()
        except StoreUnavailable as error:
            failure = error
        except Exception:  # noqa: BLE001 - of a source of keys, or a clock, of the caller's
            _LOG.exception("the keys of watched connections cannot be read")
            failure = KeysUnavailable()
        if failure is None and keys is group.keys and group.soonest > horizon:
            is_far = group.soonest > horizon + self._period_s  # also numbers that no float holds
            return self._period_s if is_far else group.soonest - horizon
        with self._lock:
            held = list(group.watches)
        for watch in held:
            end = failure or terms.refusal(watch.claims, keys)
            if end is not None:
                self.over(watch, end)
        with self._lock:
            times = (watch.claims.expires_at for watch in group.watches)
            group.soonest, group.keys = min(times, default=inf), keys
        return self._period_s

    def _keys_of(self, group: Group) -> Any:
        """The keys of this moment, or those of the last tick while newer ones are fetched."""
        if group.fetching is None:
            keys = group.terms.keys()
            if not callable(keys):
                return keys
            group.fetching = _fetch(keys, group.loop)
        if not group.fetching.done():
            return group.keys
        fetched, group.fetching = group.fetching.result(), None
        if isinstance(fetched, Exception):
            raise fetched
        return fetched


def _fetch(call: Callable[[], Any], loop: Any) -> Any:
    """The outcome of a call that may take its time, as a future of either kind."""
    if loop is not None:
        return Context().run(loop.create_task, _outcome(call))
    fetched: Future[Any] = Future()
    _start(lambda: fetched.set_result(run_in_place(_outcome(call))), "gatepass-watched-keys")
    return fetched


async def _outcome(call: Callable[[], Any]) -> Any:
    """The answer of a call, awaited where it must be, or the exception."""
    try:
        return await settle(call())
    except Exception as error:  # noqa: BLE001 - the caller decides
        return error


def _start(run: Callable[[], None], name: str) -> threading.Thread:
    """A thread of ours, in a context of its own.

    Raises:
        StoreUnavailable: The system has no more threads.
    """
    thread = threading.Thread(target=Context().run, args=[run], name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        raise StoreUnavailable("the system has no more threads") from error
    return thread
