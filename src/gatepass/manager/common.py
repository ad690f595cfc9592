"""`CommonManager`: the parts of both managers, their types, and their log lines."""

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from inspect import signature
from typing import Any, ClassVar, Final, Generic, TypeVar, cast

from gatepass._clock import wall_clock
from gatepass.errors import TokenInvalid
from gatepass.events.stores import AsyncTellingStore, TellingStore
from gatepass.events.teller import AsyncOnEvent, OnEvent, Teller
from gatepass.jose import Key, KeySet, KeySource, VerificationKey
from gatepass.jose.keyset import key_source
from gatepass.manager.legacy import LegacyExchange
from gatepass.sessions import (
    AsyncRevocations,
    AsyncStore,
    Revocations,
    RotationFact,
    RotationKind,
    Store,
)
from gatepass.tokens import AccessClaims, PairPlanner, TokenPolicy
from gatepass.tokens.api_keys import ApiKeys
from gatepass.tokens.beside import note_manager
from gatepass.tokens.claims_verifier import ClaimsVerifier
from gatepass.tokens.legacy import LegacyTokens, Opened, legacy_reader
from gatepass.tokens.opaque_access import OpaqueAccess
from gatepass.tokens.pair import Presented
from gatepass.tokens.policy import MAX_LEEWAY, whole_seconds
from gatepass.tokens.seen import DEFAULT_BYTES
from gatepass.tokens.twins import is_coroutine_function, require_twin

_logger = logging.getLogger("gatepass")
NOTABLE = {
    RotationKind.AHEAD: "the store had lost rotations that were acknowledged: moved forward",
    RotationKind.REUSED: "a superseded refresh token came back: session revoked",
    RotationKind.UNKNOWN: "a well-signed refresh token is of no known session",
}

_UNCHECKED: Final = (
    "a verifier of issuer %s and audience %s checks no revocations, and a manager in this process "
    "revokes such tokens: the verifier accepts them until they expire. Give the verifier "
    "revocations=, the store of the manager or a replica of it"
)
_OVER: Final = (
    "until of the legacy tokens, %s, has passed: none is accepted; remove legacy= and its key, "
    "or the variables JWT_LEGACY_…"
)
ACTOR_REVOKED: Final = "actor revoked"
Claims = Mapping[str, Any]
LoadClaims = Callable[[str, Claims], Claims | None]
AsyncLoadClaims = Callable[[str, Claims], Awaitable[Claims | None] | Claims | None]
S = TypeVar("S", Store, AsyncStore)
R = TypeVar("R", Revocations, AsyncRevocations)
L = TypeVar("L", LoadClaims, AsyncLoadClaims)


class CommonManager(Generic[S, R, L]):
    """Everything that the sync and the async manager share."""

    _is_async: ClassVar[bool]

    def __init__(  # noqa: PLR0913 - keywords all, each a part
        self,
        policy: TokenPolicy,
        *,
        access_keys: Key | KeySet | KeySource,
        refresh_keys: Key | KeySet | KeySource,
        store: S,
        revocations: R | None = None,
        load_claims: L | None = None,
        on_event: OnEvent | AsyncOnEvent | None = None,
        legacy: LegacyTokens | None = None,
        now: Callable[[], float] = wall_clock,
        remember: int = DEFAULT_BYTES,
    ) -> None:
        """Put the parts together.

        Args:
            policy: The issuer, the audience and the lifetimes.
            access_keys: Keys that sign access tokens; services that verify may know them.
            refresh_keys: Keys that sign refresh tokens; no key of `access_keys`.
            store: The store of the sessions; the manager closes it.
            revocations: The source that `verify` asks; by default the store, one round trip.
            load_claims: Called at every refresh with the subject and the session claims, which
                stay as they are, and at every check of an API key. It returns the subject's
                claims of today, or `None` if the subject is disabled.
            on_event: Called with an `Event` once the store has confirmed what happened; it must
                not block, see `gatepass.events.Queued`. Its errors are logged. An async manager
                awaits a coroutine function.
            legacy: The tokens of another library that are accepted too, until a date.
            now: The clock of `iat` and `exp`, in seconds since 1970.
            remember: Bytes for access tokens that were verified before, with their claims; 0: none.

        Raises:
            KeyRejected: A primary key cannot sign, or two sets share a key.
            TypeError: The store, the revocations or a function is of the other twin's kind, or
                `load_claims` does not take two arguments.
        """
        require_twin(store, is_async=self._is_async)
        if revocations is not None:
            require_twin(revocations, is_async=self._is_async)
        if not self._is_async and is_coroutine_function(load_claims):
            raise TypeError("load_claims is a coroutine function: use AsyncTokenManager")
        if not self._is_async and is_coroutine_function(on_event):
            raise TypeError("on_event is a coroutine function: use AsyncTokenManager")
        _require_loads(load_claims)
        self._planner = PairPlanner(
            policy,
            access_keys=access_keys,
            refresh_keys=refresh_keys,
            now=now,
            random=secrets.token_bytes,
            remember=remember,
        )
        self._own_store: S = store
        self._store: S = store
        self._teller: Teller | None = None
        if on_event is not None:
            self._teller = Teller(on_event, client_id=policy.client_id, now=now)
            telling: Any = AsyncTellingStore if self._is_async else TellingStore
            self._store = cast("S", telling(store, self._teller))
        self._load_claims: L | None = load_claims
        self._access = self._planner.access
        self._api_keys = ApiKeys(policy, now=now, random=secrets.token_bytes)
        self._opaque = self._planner.opaque
        is_opaque = policy.access_format == "opaque"
        self._jwts: ClaimsVerifier | OpaqueAccess = self._opaque if is_opaque else self._access
        self._asked: Any = store if revocations is None else revocations
        self._is_revoked: Callable[[Any, Any], Any] = self._asked.is_revoked
        self._legacy = LegacyExchange(
            legacy_reader(
                legacy,
                self._planner.access_keys,
                self._planner.refresh_keys,
                required_claims=policy.required_claims,
                allowed_values=policy.allowed_values,
                is_async=self._is_async,
                leeway=whole_seconds("leeway", policy.leeway, 0, MAX_LEEWAY),
                now=now,
            ),
            self._planner,
            self._store,
            store,
        )
        self._legacy_keys = () if legacy is None else (key_source(legacy.keys),)
        if legacy is not None and not now() < legacy.until.timestamp():
            _logger.warning(_OVER, legacy.until.isoformat())
        names = policy.issuer, policy.audience
        note_manager(*names, partial(_logger.warning, _UNCHECKED, *names))

    @property
    def policy(self) -> TokenPolicy:
        """The rules of this manager's tokens."""
        return self._planner.policy

    @property
    def access_keys(self) -> KeySource:
        """The source of the keys of access tokens, e.g. to publish them."""
        return self._planner.access_keys

    @property
    def key_sources(self) -> tuple[KeySource, ...]:
        """The keys of access, refresh and legacy tokens, apart."""
        return self._planner.access_keys, self._planner.refresh_keys, *self._legacy_keys

    @property
    def store(self) -> S:
        """The store of the sessions; its own changes make no event."""
        return self._own_store

    def _source(self) -> tuple[ClaimsVerifier, object]:
        """See `Watching`."""
        return self._access, self._asked

    def _open_refresh(self, token: str | None) -> tuple[Presented, Opened | None]:
        """The content of a refresh token; with it, of a legacy one, all that the exchange needs."""
        try:
            return self._planner.open_refresh(token), None
        except TokenInvalid as error:
            opened = self._legacy.open(token, error)
            return opened.presented, opened

    def derived_secrets(self, purpose: bytes) -> tuple[bytes, ...]:
        """A secret for another purpose out of each refresh key, the primary's first (HKDF)."""
        keys = self._planner.refresh_keys.current().keys
        return tuple(key.derive(purpose) for key in keys if not isinstance(key, VerificationKey))


def _require_loads(load_claims: Callable[..., object] | None) -> None:
    """Reject a `load_claims` that every refresh would fail with.

    Raises:
        TypeError: `load_claims` does not take a subject and session claims.
    """
    if load_claims is None:
        return
    try:
        signature(load_claims).bind("subject", {})
    except ValueError:  # a built-in function that does not say what it takes
        return
    except TypeError:
        raise TypeError(
            "load_claims takes two arguments: load_claims(subject, session_claims)"
        ) from None


def report(presented: Presented, fact: RotationFact) -> None:
    """Log a notable rotation for the operator."""
    _logger.warning("%s sid=%s", NOTABLE[fact.kind], presented.session_id)


def whose(token: AccessClaims | str) -> dict[str, str | None]:
    """The subject and the session of an access token, for `about`; nothing is known of an id."""
    if not isinstance(token, AccessClaims):
        return {}
    return {"subject": token.subject, "session_id": token.session_id}
