"""`AsyncMemoryStore`: the twin of `MemoryStore`."""

import time
from collections.abc import Callable
from typing import Any

from gatepass.stores.memory.store import MemoryStore
from gatepass.stores.twins import AwaitedStore


class AsyncMemoryStore(AwaitedStore):
    """`MemoryStore` for `await`; nothing in it waits."""

    def __init__(
        self, clock: Callable[[], float] = time.time, *, max_rows: int = 1_000_000
    ) -> None:
        store: Any = MemoryStore(clock, max_rows=max_rows)
        super().__init__(store, _AtOnce(store))


class _AtOnce:
    """The runner of a store whose operations return facts instead of steps."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def run(self, fact: Any) -> Any:
        return fact

    async def close(self) -> None:
        self._store.close()
