"""`Watch`: one connection of blocking code, which ends with its session or token.

`renew` puts the new claims into force before it looks them up once more (rule 1 of
`registry.py`), and goes back to the old ones if that fails.
"""

import logging
from collections.abc import Callable
from typing import Any, Final, Generic, Protocol, Self, TypeVar

from gatepass._maybe_await import run_in_place, settle
from gatepass.errors import GatepassError, StoreUnavailable, TokenInvalid
from gatepass.watches.registry import Registry, Terms, Watched

_LOG: Final = logging.getLogger("gatepass")


class Claims(Protocol):
    """The claims of a verified token."""

    @property
    def subject(self) -> str:
        """See `AccessClaims`."""
        ...

    @property
    def session_id(self) -> str | None:
        """See `AccessClaims`."""
        ...

    @property
    def token_id(self) -> str | None:
        """See `AccessClaims`."""
        ...

    @property
    def expires_at(self) -> float:
        """See `AccessClaims`."""
        ...

    def get(self, name: str, /) -> Any:
        """See `AccessClaims`."""
        ...


C = TypeVar("C", bound=Claims)


class CommonWatch(Watched, Generic[C]):
    """The parts of both twins."""

    __slots__ = ("_is_revoked", "_require", "_verify", "_watches")
    claims: C
    """The claims now in force."""

    def __init__(
        self,
        watches: Registry,
        terms: Terms,
        claims: C,
        is_revoked: Callable[[Any, Any], Any] | None,
        verify: Callable[[str | None], Any],
        require: Callable[[C], object] | None,
    ) -> None:
        self.claims = claims
        self.terms = terms
        self.loop = self.error = None
        self.is_open = False
        self._watches = watches
        self._is_revoked: Any = is_revoked
        self._verify = verify
        self._require = require

    @property
    def reason(self) -> str | None:
        """The code of the end, such as `token_revoked`; `None` while the connection may go on."""
        return None if self.error is None else self.error.code

    async def _enter(self) -> None:
        if self.is_open:
            raise RuntimeError("a watch is entered once")
        self._watches.add(self)
        try:
            await self._look(self.claims)
            self._watches.open(self)
        except BaseException:
            self._watches.discard(self)
            raise

    async def _renew(self, token: str | None) -> C:
        claims: C = await settle(self._verify(token))
        self._admit(claims)
        try:
            await self._look(claims)
        except BaseException as error:
            end = error if isinstance(error, GatepassError) else StoreUnavailable()
            self._watches.over(self, end)
            raise
        return self.claims

    async def _look(self, claims: C) -> None:
        self.terms.require(claims)
        self.terms.require_live(await settle(self._is_revoked(claims.session_id, claims.token_id)))

    def _admit(self, claims: C) -> None:
        """Put these claims into force."""
        if _whose(claims) != _whose(self.claims):
            raise TokenInvalid("the token is invalid here: it is of another session")
        if self._require is not None:
            self._require(claims)
        self._watches.renew(self, claims)


class Watch(CommonWatch[C]):
    """`AsyncWatch` for blocking code: calls `on_end(reason)` once, from whichever thread."""

    __slots__ = ("_on_end",)

    def __init__(self, *parts: Any, on_end: Callable[[str], object]) -> None:
        super().__init__(*parts)
        self._on_end = on_end

    def __enter__(self) -> Self:
        run_in_place(self._enter())
        return self

    def __exit__(self, *_: object) -> None:
        self._watches.discard(self)

    def renew(self, token: str | None) -> C:
        """See `AsyncWatch.renew`."""
        return run_in_place(self._renew(token))

    def deliver(self) -> None:
        """See `Watched.deliver`."""
        try:
            self._on_end(str(self.reason))
        except Exception:  # noqa: BLE001 - it harms nobody else
            _LOG.exception("on_end of a watched connection failed")


def _whose(claims: Claims) -> tuple[object, ...]:
    """A subject is unique for its issuer only."""
    return claims.session_id, claims.subject, claims.get("iss")
