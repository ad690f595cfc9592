"""`Watches`: a registry with the one tick that notices time, keys and a silent source.

1. Each event loop that has watches has one task, and all watches of threads have one thread.
   They run while there are watches.
2. A tick compares, for each verifier, the soonest `exp` with the clock, and the key set with
   that of the last tick, by identity. Only if one of them has changed does it go through the
   verifier's watches. Then it lets the source of revocations look: SQLite reads its log, a stale
   replica asks its store.
3. A source of keys that fails ends the watches of its verifier, which would reject their tokens.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from math import inf
from typing import Any, Final
from weakref import WeakMethod

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
                self._tickers[loop] = loop.create_task(self._run_async(loop))
                return
            thread = threading.Thread(target=self._run, name="gatepass-watches", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                self._take_out(watch)
                raise StoreUnavailable("the system has no more threads") from error
            self._tickers[None] = thread

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
            steps, answer, wait_s = self._tick(groups), None, self._period_s
            try:
                while True:
                    call = steps.send(answer)
                    try:
                        answer = call()
                    except Exception as error:  # noqa: BLE001 - the steps decide
                        answer = error
            except StopIteration as end:
                wait_s = end.value
            except Exception:  # noqa: BLE001 - the next tick looks again
                _LOG.exception("a look at watched connections failed")
            time.sleep(wait_s)

    async def _run_async(self, loop: Any) -> None:
        import asyncio  # noqa: PLC0415 - blocking programs do without

        try:
            while groups := self._groups_of(loop):
                steps, answer, wait_s = self._tick(groups), None, self._period_s
                try:
                    while True:
                        call = steps.send(answer)
                        try:
                            answer = await call()
                        except Exception as error:  # noqa: BLE001 - the steps decide
                            answer = error
                except StopIteration as end:
                    wait_s = end.value
                except Exception:  # noqa: BLE001 - the next tick looks again
                    _LOG.exception("a look at watched connections failed")
                await asyncio.sleep(wait_s)
        finally:
            self._tickers.pop(loop, None)

    def _tick(self, groups: Iterable[Group]) -> Steps[float]:
        """End all watches that hold no longer; seconds until the next tick."""
        wait_s = self._period_s
        for group in groups:
            try:
                wait_s = min(wait_s, (yield from self._tick_group(group)))
            except Exception:  # noqa: BLE001 - the other groups are looked at all the same
                _LOG.exception("a look at watched connections failed")
        yield from self._look()  # last: if it fails, time and keys were looked at
        return max(wait_s, POLL_S)

    def _look(self) -> Steps[None]:
        look = self._source()
        if look is not None:
            yield from look()

    def _tick_group(self, group: Group) -> Steps[float]:
        terms, failure, keys, horizon = group.terms, None, None, inf
        try:
            keys = yield from terms.keys()
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
