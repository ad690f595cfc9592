"""Storages of a client's pair: the protocol, and a storage in memory."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from gatepass._forks import ForkAware, watch_forks
from gatepass.httpx.tokens import Tokens


class TokenStorage(Protocol):
    """Keeps one pair, or none; every method may be called from any thread."""

    def load(self) -> Tokens | None:
        """The pair of this moment; called before every request, so it is quick."""
        ...

    def save(self, tokens: Tokens | None) -> None:
        """Keep this pair, or forget the one that is kept, whatever it is."""
        ...

    def replace(self, expected: Tokens | None, tokens: Tokens | None) -> bool:
        """`save`, but only if the storage holds `expected`; one atomic step."""
        ...

    def refreshing(self, wait: float) -> AbstractContextManager[bool]:
        """Hold the right to refresh; `False` when others hold it for `wait` seconds.

        It is held by one at a time, of all that use this storage. Neither `load` nor `save`
        nor `replace` waits for it.
        """
        ...


class MemoryTokens(ForkAware):
    """Keeps the pair in this process; a child that is forked logs in for itself."""

    def __init__(self, tokens: Tokens | None = None) -> None:
        self._tokens = tokens
        self._lock = threading.Lock()
        self._refreshing = threading.Lock()
        watch_forks(self)

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`; the child drops the pair: refreshing it twice would end its session."""
        if in_child:
            self._tokens = None
            self._lock = threading.Lock()
            self._refreshing = threading.Lock()

    def load(self) -> Tokens | None:
        """See `TokenStorage.load`."""
        return self._tokens

    def save(self, tokens: Tokens | None) -> None:
        """See `TokenStorage.save`."""
        with self._lock:
            self._tokens = tokens

    def replace(self, expected: Tokens | None, tokens: Tokens | None) -> bool:
        """See `TokenStorage.replace`."""
        with self._lock:
            if self._tokens != expected:
                return False
            self._tokens = tokens
            return True

    @contextmanager
    def refreshing(self, wait: float) -> Iterator[bool]:
        """See `TokenStorage.refreshing`."""
        is_held = self._refreshing.acquire(timeout=wait)
        try:
            yield is_held
        finally:
            if is_held:
                self._refreshing.release()
