"""`watch` of verifiers and managers, in both twins."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gatepass.tokens.claims import AccessClaims
from gatepass.watches import Watch, watches_of

if TYPE_CHECKING:
    from gatepass.watches.async_watch import AsyncWatch

Require = Callable[[AccessClaims], object]


class _Watching:
    """The parts that a watch gets."""

    __slots__ = ()
    _is_revoked: Any
    _source: Any
    """Gives the `ClaimsVerifier` and the source of revocations."""
    verify: Any

    def _watched(self, claims: AccessClaims, require: Require | None) -> tuple[Any, ...]:
        verifier, source = self._source()
        watches = watches_of(source)
        terms = verifier.terms_of(claims)
        return watches, terms, claims, self._is_revoked, self.verify, require


class Watching(_Watching):
    """`watch` for blocking code."""

    __slots__ = ()

    def watch(
        self,
        claims: AccessClaims,
        on_end: Callable[[str], object],
        *,
        require: Require | None = None,
    ) -> Watch[AccessClaims]:
        """A connection to hold by `with`, which ends with its session, token or key.

        Args:
            claims: The answer of `verify`.
            on_end: Called once, from another thread, with the reason, such as `token_revoked`.
                It should return at once.
            require: Called by `renew` with the new claims; rejects them by raising.

        Raises:
            SettingsRejected: The source of revocations is no replica.
        """
        return Watch(*self._watched(claims, require), on_end=on_end)


class AsyncWatching(_Watching):
    """`watch` for tasks."""

    __slots__ = ()

    def watch(
        self, claims: AccessClaims, *, require: Require | None = None, cancel: bool = True
    ) -> "AsyncWatch[AccessClaims]":
        """A connection to hold by `async with`, which ends with its session, token or key.

        Args:
            claims: The answer of `verify`.
            require: Called by `renew` with the new claims; rejects them by raising.
            cancel: Whether the end cancels the block, which then raises `TokenRevoked`,
                `TokenExpired`, `TokenInvalid` (the key was removed) or `StoreUnavailable`.

        Raises:
            SettingsRejected: The source of revocations is no replica.
        """
        from gatepass.watches.async_watch import AsyncWatch  # noqa: PLC0415 - loads asyncio

        return AsyncWatch(*self._watched(claims, require), cancel=cancel)
