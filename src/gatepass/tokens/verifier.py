"""`TokenVerifier` and its async twin: all checks of a token, revocation included (RFC 8725)."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from gatepass.errors import SettingsRejected, TokenInvalid, TokenRevoked
from gatepass.jose import MAX_SIZE, Key, KeySet, KeySource
from gatepass.jose.jws import normalize_typ
from gatepass.jose.keyset import KeysWanted, key_source, require_kind
from gatepass.sessions import AsyncRevocations, Revocations
from gatepass.tokens.claims import AccessClaims
from gatepass.tokens.claims_verifier import ClaimsVerifier
from gatepass.tokens.policy import MAX_LEEWAY, whole_seconds
from gatepass.tokens.refusals import is_refused
from gatepass.tokens.seen import DEFAULT_BYTES
from gatepass.tokens.twins import require_twin

ACCESS_TYP = "at+jwt"
REFRESH_TYP = "rt+jwt"
_IRREVOCABLE = "the token has neither sid nor jti: it could never be revoked"

R = TypeVar("R", Revocations, AsyncRevocations)


class _Verifier(Generic[R]):
    """The parts of a verifier, sync or async."""

    __slots__ = ("_claims", "_is_revoked", "_revocations")
    _is_async: ClassVar[bool]

    def __init__(  # noqa: PLR0913 - keyword-only, one per rule
        self,
        keys: Key | KeySet | KeySource,
        *,
        issuer: str,
        audience: str,
        typ: str | None = ACCESS_TYP,
        required_claims: Collection[str] = (),
        allowed_values: Mapping[str, Collection[Any]] | None = None,
        leeway: float = 0,
        revocations: R | None = None,
        now: Callable[[], float] = time.time,
        max_size: int = MAX_SIZE,
        remember: int = DEFAULT_BYTES,
    ) -> None:
        """Take the keys and the claims that tokens must have.

        Args:
            keys: The keys that may have signed.
            issuer: The one `iss`, compared exactly.
            audience: The text that `aud` is or contains.
            typ: The one `typ`; `None` takes tokens without a type or with "JWT".
            required_claims: Names besides `exp` and `sub` that must be present.
            allowed_values: For some claims all values that are accepted, where present.
            leeway: Seconds of clock difference granted to `exp` and `nbf`, 0 to 60.
            revocations: The source of revocations, e.g. a store; `None` means no check.
            now: The clock, in seconds since 1970.
            max_size: Characters of a token at most.
            remember: Bytes for tokens that were verified before, with their claims; 0: none.

        Raises:
            SettingsRejected: A value is out of bounds.
            TypeError: `revocations`, or keys that are fetched, are of the other twin's kind.
        """
        require_verifiable_typ(typ)
        if revocations is not None:
            require_twin(revocations, is_async=self._is_async)
        require_kind(key_source(keys), is_async=self._is_async)
        self._revocations: R | None = revocations
        self._is_revoked: Callable[[str | None, str | None], Any] | None = (
            None if revocations is None else revocations.is_revoked
        )
        self._claims = ClaimsVerifier(
            keys,
            issuer=issuer,
            audience=audience,
            typ=typ,
            required_claims=required_claims,
            allowed_values=allowed_values or {},
            leeway=whole_seconds("leeway", leeway, 0, MAX_LEEWAY),
            now=now,
            max_size=max_size,
            remember=remember,
        )

    @property
    def revocations(self) -> R | None:
        """The source of revocations, or `None` if revocations are not checked."""
        return self._revocations


class TokenVerifier(_Verifier[Revocations]):
    """Verifies tokens of one issuer for one audience; needs no store."""

    __slots__ = ()
    _is_async = False

    def verify(self, token: str | None) -> AccessClaims:
        """The claims of a token that may be trusted.

        Raises:
            TokenMissing: No token was given.
            TokenMalformed: The text is no compact JWS with a JSON object in it.
            TokenInvalid: The token is forged, or of another type, issuer, audience or claim.
            TokenExpired: `exp` has passed.
            TokenRevoked: The token or its session was revoked.
            StoreUnavailable: The store did not say whether the token was revoked, or the keys
                (`KeysUnavailable`) could not be fetched.
        """
        try:
            claims = self._claims.open(token)
        except KeysWanted as wanted:
            claims = self._claims.open(token, keys=wanted.fetch())
        if self._is_revoked is not None:
            session_id, token_id = claims.get("sid"), claims.get("jti")
            if not (session_id or token_id):
                raise TokenInvalid(_IRREVOCABLE)
            verdict = self._is_revoked(session_id, token_id)
            if verdict is not False and is_refused(verdict):
                self._claims.forget(token)
                raise TokenRevoked
        return AccessClaims(claims)


class AsyncTokenVerifier(_Verifier[AsyncRevocations]):
    """`TokenVerifier` for `await`."""

    __slots__ = ()
    _is_async = True

    async def verify(self, token: str | None) -> AccessClaims:
        """See `TokenVerifier.verify`."""
        try:
            claims = self._claims.open(token)
        except KeysWanted as wanted:
            claims = self._claims.open(token, keys=await wanted.fetch())
        if self._is_revoked is not None:
            session_id, token_id = claims.get("sid"), claims.get("jti")
            if not (session_id or token_id):
                raise TokenInvalid(_IRREVOCABLE)
            verdict = await self._is_revoked(session_id, token_id)
            if verdict is not False and is_refused(verdict):
                self._claims.forget(token)
                raise TokenRevoked
        return AccessClaims(claims)


def require_verifiable_typ(typ: object) -> None:
    """Reject a type that is not text, and that of refresh tokens: only a manager handles them."""
    if typ is None:
        return
    if not isinstance(typ, str) or not typ or normalize_typ(typ) == REFRESH_TYP:
        message = f"typ is a text other than {REFRESH_TYP}"
        raise SettingsRejected(message)
