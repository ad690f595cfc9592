"""A store that counts its calls."""

from collections import Counter
from typing import Any


class Counted:
    """A store of either twin that counts its calls."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.is_async = store.is_async
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if callable(found):
            self.calls[name] += 1
        return found

    def is_revoked(self, session_id: str | None, token_id: str | None) -> Any:
        self.calls["is_revoked"] += 1
        return self._store.is_revoked(session_id, token_id)

    def since(self) -> dict[str, int]:
        """The calls since the last time."""
        calls = dict(self.calls)
        self.calls.clear()
        return calls
