"""`AsyncMemoryStore`: the twin of `MemoryStore`."""

from collections.abc import Callable
from typing import Any

from gatepass._clock import wall_clock
from gatepass.stores.memory.store import MemoryStore
from gatepass.stores.twins import AwaitedStore
from gatepass.watches import Watches


class AsyncMemoryStore(AwaitedStore):
    """`MemoryStore` for `await`; nothing in it waits."""

    def __init__(
        self, clock: Callable[[], float] = wall_clock, *, max_rows: int = 1_000_000
    ) -> None:
        store: Any = MemoryStore(clock, max_rows=max_rows)
        super().__init__(store, _AtOnce(store))
        self.watches: Watches = store.watches
        self._check: Callable[[str | None, str | None], bool] = store.is_revoked

    async def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """See `MemoryStore.is_revoked`; the hot path has no runner between."""
        return self._check(session_id, token_id)


class _AtOnce:
    """The runner of a store whose operations return facts instead of steps."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def run(self, fact: Any) -> Any:
        return fact

    async def close(self) -> None:
        self._store.close()
