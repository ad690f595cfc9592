"""Listeners to the changes that a store of this very process has made."""

from typing import Protocol
from weakref import WeakSet

from gatepass.sessions import RevokeKind


class Listener(Protocol):
    """Called after the store did something, and before its caller returns; must be quick."""

    def revoked(self, kind: str, identifier: str) -> None:
        """One session (`s`) or token (`t`) was revoked."""
        ...

    def revoked_many(self) -> None:
        """Sessions were revoked, and the store does not say which."""
        ...

    def store_closed(self) -> None:
        """The store was closed."""
        ...


class Listeners:
    """The listeners of one store, for as long as other objects refer to them."""

    def __init__(self) -> None:
        self._listeners: WeakSet[Listener] = WeakSet()

    def add(self, listener: Listener) -> None:
        """Tell this one too from now on."""
        self._listeners.add(listener)

    def session(self, session_id: str, kind: RevokeKind, sec_hash: bytes | None) -> None:
        """A session was to be revoked; it is logged unless its secret did not match."""
        if kind is not RevokeKind.UNKNOWN or sec_hash is None:
            self._tell("s", session_id)

    def reused(self, session_id: str) -> None:
        """Tell of a session that ended because its refresh token was reused."""
        self._tell("s", session_id)

    def token(self, token_id: str) -> None:
        """A token was revoked."""
        self._tell("t", token_id)

    def many(self) -> None:
        """See `Listener.revoked_many`."""
        for listener in list(self._listeners):
            listener.revoked_many()

    def closed(self) -> None:
        """See `Listener.store_closed`."""
        for listener in list(self._listeners):
            listener.store_closed()

    def _tell(self, kind: str, identifier: str) -> None:
        for listener in list(self._listeners):
            listener.revoked(kind, identifier)
