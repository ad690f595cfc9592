"""`TokenVerifier` and its async twin: all checks of a token, revocation included (RFC 8725)."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar, Generic, Self, TypeVar

from gatepass._clock import wall_clock
from gatepass._maybe_await import run_in_place
from gatepass.errors import TokenInvalid, TokenRevoked
from gatepass.jose import MAX_SIZE, Key, KeySet, KeySource
from gatepass.jose.jws import normalize_typ
from gatepass.jose.keyset import KeysWanted, key_source, require_kind
from gatepass.sessions import AsyncRevocations, Revocations
from gatepass.tokens.beside import note_unchecked
from gatepass.tokens.claims import AccessClaims
from gatepass.tokens.claims_verifier import ClaimsVerifier
from gatepass.tokens.claims_verifiers import ClaimsVerifiers
from gatepass.tokens.legacy import LegacyReader, LegacyTokens, legacy_reader
from gatepass.tokens.policy import MAX_LEEWAY, whole_seconds
from gatepass.tokens.refusals import IRREVOCABLE, is_refused
from gatepass.tokens.seen import DEFAULT_BYTES
from gatepass.tokens.trusted_issuer import TrustedIssuer
from gatepass.tokens.twins import require_twin
from gatepass.tokens.typ import ACCESS_TYP, require_verifiable_typ
from gatepass.tokens.watching import AsyncWatching, Watching

R = TypeVar("R", Revocations, AsyncRevocations)


class _Verifier(Generic[R]):
    """The parts of a verifier, sync or async."""

    __slots__ = ("_claims", "_is_revoked", "_legacy", "_revocations")
    _is_async: ClassVar[bool]
    _claims: ClaimsVerifier | ClaimsVerifiers
    _legacy: LegacyReader

    def __init__(  # noqa: PLR0913 - keyword-only, one per rule
        self,
        keys: Key | KeySet | KeySource,
        *,
        issuer: str,
        audience: str | Collection[str],
        typ: str | None = ACCESS_TYP,
        required_claims: Collection[str] = (),
        allowed_values: Mapping[str, Collection[Any]] | None = None,
        leeway: float = 0,
        revocations: R | None = None,
        legacy: LegacyTokens | None = None,
        now: Callable[[], float] = wall_clock,
        max_size: int = MAX_SIZE,
        remember: int = DEFAULT_BYTES,
    ) -> None:
        """Take the keys and the claims that tokens must have.

        Args:
            keys: The keys that may have signed.
            issuer: The one `iss`, compared exactly.
            audience: The text, or the texts, of which `aud` is or contains one.
            typ: The one `typ`; `None` takes tokens without a type or with "JWT".
            required_claims: Names besides `exp` and `sub` that must be present.
            allowed_values: For some claims all values that are accepted, where present.
            leeway: Seconds of clock difference granted to `exp` and `nbf`, 0 to 60.
            revocations: The source of revocations, e.g. a store; `None` means no check.
            legacy: Access tokens of another library that are accepted too, until a date.
            now: The clock, in seconds since 1970.
            max_size: Characters of a token at most.
            remember: Bytes for tokens that were verified before, with their claims; 0: none.

        Raises:
            SettingsRejected: A value is out of bounds.
            KeyRejected: A legacy key is one of `keys`.
            TypeError: `revocations`, or keys that are fetched, are of the other twin's kind.
        """
        require_verifiable_typ(typ)
        self._set_revocations(revocations)
        require_kind(key_source(keys), is_async=self._is_async)
        leeway = whole_seconds("leeway", leeway, 0, MAX_LEEWAY)
        self._claims = ClaimsVerifier(
            keys,
            issuer=issuer,
            audience=audience,
            typ=typ,
            required_claims=required_claims,
            allowed_values=allowed_values or {},
            leeway=leeway,
            now=now,
            max_size=max_size,
            remember=remember,
        )
        self._legacy = legacy_reader(
            legacy,
            key_source(keys),
            required_claims=required_claims,
            allowed_values=allowed_values or {},
            is_async=self._is_async,
            leeway=leeway,
            now=now,
        )
        if revocations is None and typ is not None and normalize_typ(typ) == ACCESS_TYP:
            for each in [audience] if isinstance(audience, str) else audience:
                note_unchecked(issuer, each)

    @classmethod
    def for_issuers(
        cls,
        *issuers: TrustedIssuer,
        leeway: float = 0,
        revocations: R | None = None,
        now: Callable[[], float] = wall_clock,
        max_size: int = MAX_SIZE,
        remember: int = DEFAULT_BYTES,
    ) -> Self:
        """A verifier for the tokens of these issuers, each verified by its own keys and rules.

        The other arguments are those of the constructor.

        Raises:
            SettingsRejected: A value is out of bounds, or two issuers have the same `iss`.
            TypeError: `revocations`, or keys that are fetched, are of the other twin's kind.
        """
        verifier = cls.__new__(cls)
        verifier._legacy = LegacyReader(None, leeway=0, now=now)  # noqa: SLF001 - same class
        verifier._set_revocations(revocations)  # noqa: SLF001 - same class
        verifier._claims = ClaimsVerifiers(  # noqa: SLF001 - same class
            issuers,
            is_async=cls._is_async,
            leeway=whole_seconds("leeway", leeway, 0, MAX_LEEWAY),
            now=now,
            max_size=max_size,
            remember=remember,
        )
        return verifier

    def _set_revocations(self, revocations: R | None) -> None:
        if revocations is not None:
            require_twin(revocations, is_async=self._is_async)
        self._revocations: R | None = revocations
        self._is_revoked: Callable[[str | None, str | None], Any] | None = (
            None if revocations is None else revocations.is_revoked
        )

    @property
    def revocations(self) -> R | None:
        """The source of revocations, or `None` if revocations are not checked."""
        return self._revocations

    def _source(self) -> tuple[ClaimsVerifier | ClaimsVerifiers, object]:
        """See `Watching`."""
        return self._claims, self._revocations


class TokenVerifier(_Verifier[Revocations], Watching):
    """Verifies tokens of one issuer, or with `for_issuers` of several; needs no store."""

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
            try:
                claims = self._claims.open(token)
            except KeysWanted as wanted:
                claims = self._claims.open(token, wanted.fetch())
        except TokenInvalid as error:
            claims = run_in_place(self._legacy.verify(token, error))
        is_revoked = self._is_revoked
        if is_revoked is not None:
            held = claims._claims  # noqa: SLF001 - the hot path: `dict_of` is a call
            session_id, token_id = held.get("sid"), held.get("jti")
            if not (session_id or token_id):
                raise TokenInvalid(IRREVOCABLE)
            verdict = is_revoked(session_id, token_id)
            if verdict is not False and is_refused(verdict):
                self._claims.forget(token)
                raise TokenRevoked
        return claims


class AsyncTokenVerifier(_Verifier[AsyncRevocations], AsyncWatching):
    """`TokenVerifier` for `await`."""

    __slots__ = ()
    _is_async = True

    async def verify(self, token: str | None) -> AccessClaims:
        """See `TokenVerifier.verify`."""
        try:
            try:
                claims = self._claims.open(token)
            except KeysWanted as wanted:
                claims = self._claims.open(token, await wanted.fetch())
        except TokenInvalid as error:
            claims = await self._legacy.verify(token, error)
        is_revoked = self._is_revoked
        if is_revoked is not None:
            held = claims._claims  # noqa: SLF001 - the hot path: `dict_of` is a call
            session_id, token_id = held.get("sid"), held.get("jti")
            if not (session_id or token_id):
                raise TokenInvalid(IRREVOCABLE)
            verdict = await is_revoked(session_id, token_id)
            if verdict is not False and is_refused(verdict):
                self._claims.forget(token)
                raise TokenRevoked
        return claims
