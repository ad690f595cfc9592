"""The gate for proxies: `GET /auth/verify` says whether nginx or Caddy may pass a request on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from gatepass.errors import SettingsRejected
from gatepass.gate.guard import Guard
from gatepass.http import Answer, HttpPolicy, HttpRequest
from gatepass.http.answers import NO_STORE
from gatepass.http.claim_headers import (
    KIND_HEADER,
    claim_headers,
    require_claim_headers,
    require_no_pretended,
    require_small,
)
from gatepass.http.proxied import DIALECTS, ProxiedRequest
from gatepass.jose import Key, KeySet, KeySource
from gatepass.jose.keyset import key_source
from gatepass.manager import AsyncTokenManager, TokenManager
from gatepass.tokens import TokenIssuer
from gatepass.tokens.policy import TOKEN_CLAIMS, Seconds, TokenPolicy

if TYPE_CHECKING:
    from gatepass.gate.gate import Gate

_HEADER: Final = "X-Auth-Token"
_TYP: Final = "proxy+jwt"
_LIFETIME_S: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class InternalToken:
    """A short JWT in `X-Auth-Token`, for applications that verify who let a request through.

    They take it with `TokenVerifier(keys, issuer=…, audience=…, typ="proxy+jwt")`. It has `sub` and
    the claims of the gate's headers.
    """

    keys: Key | KeySet | KeySource = field(repr=False)
    """Keys of its own: none of the manager's access, refresh and legacy keys."""
    audience: str
    """An audience of its own, another than that of access tokens."""
    lifetime: Seconds = _LIFETIME_S


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyGate:
    """Which proxy asks, and which claims it is told.

    Raises:
        SettingsRejected: A value is out of bounds.
    """

    dialect: Literal["nginx", "caddy"]
    """nginx: `X-Original-Method` and `-URI`; caddy: `X-Forwarded-Method` and `-Uri`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Claims by header, as in `{"X-Auth-Role": "role"}`.

    `X-Auth-Subject` and `X-Auth-Kind` are always there.
    """
    token: InternalToken | None = None

    def __post_init__(self) -> None:
        if self.dialect not in DIALECTS:
            raise SettingsRejected("the dialect of a proxy gate is nginx or caddy")
        headers = require_claim_headers(self.headers)
        if self.token is not None:
            if not isinstance(self.token, InternalToken):
                raise SettingsRejected("the token of a proxy gate is made by InternalToken(…)")
            if _HEADER.lower() in {name.lower() for name in headers}:
                raise SettingsRejected(f"{_HEADER} is the header of the internal token")
        object.__setattr__(self, "headers", headers)

    def require_usable(
        self, tokens: TokenPolicy, theirs: Iterable[KeySource], http: HttpPolicy
    ) -> TokenIssuer | None:
        """The issuer of the internal tokens, if there are some.

        Raises:
            SettingsRejected: No proxy is trusted, or the internal token has one of their keys or
                the audience of access tokens.
        """
        if not http.trusted_proxies:
            raise SettingsRejected(
                "a proxy gate needs trusted_proxies, the addresses of the proxies that ask it"
            )
        if self.token is None:
            return None
        ours = key_source(self.token.keys).current().keys
        others = [key for source in theirs for key in source.current().keys]
        if any(key.is_same_key(other) for key in ours for other in others):
            raise SettingsRejected("the internal token of a proxy gate has keys of its own")
        if self.token.audience == tokens.audience:
            raise SettingsRejected("the internal token of a proxy gate has an audience of its own")
        return TokenIssuer(
            self.token.keys,
            issuer=tokens.issuer,
            audience=self.token.audience,
            lifetime=self.token.lifetime,
            typ=_TYP,
        )


class ProxyGuard:
    """Answers the sub-requests of a proxy, by the rules of the guard; writes to no store."""

    def __init__(
        self,
        gate: ProxyGate,
        guard: Guard,
        manager: TokenManager | AsyncTokenManager,
        policy: HttpPolicy,
    ) -> None:
        self._issuer = gate.require_usable(manager.policy, manager.key_sources, policy)
        self._dialect, self._headers = gate.dialect, gate.headers
        self._guard, self._proxies = guard, policy.proxies
        self._is_async = isinstance(manager, AsyncTokenManager)
        self._ours = (*gate.headers, KIND_HEADER, *([_HEADER] if gate.token else []))
        vary = "Authorization" if policy.cookies is None else "Authorization, Cookie"
        self._fixed = (NO_STORE, ("Vary", vary))

    async def answer(self, request: HttpRequest) -> Answer:
        """200 with the headers for the application.

        Raises:
            RequestRefused: The request may not pass.
        """
        require_no_pretended(request, self._ours)
        asked = ProxiedRequest(request, self._dialect, self._proxies)
        requirement = asked.requirement()
        if self._is_async:
            claims = await self._guard.acheck(asked, requirement)
        else:
            claims = self._guard.check(asked, requirement)
        assert claims is not None  # noqa: S101 - without a token the guard raises
        told = (*claim_headers(claims, self._headers), (KIND_HEADER, claims.kind))
        if self._issuer is not None:
            # Whoever asks without a proxy gets no token that an application would take for one's.
            is_proxy = self._proxies.trusts(request.peer)
            token = self._issuer.issue(claims.subject, self._own(claims)) if is_proxy else ""
            told = (*told, (_HEADER, token))
        require_small(told)
        return Answer(200, (*self._fixed, *told))

    def _own(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        """The claims of the headers that a token can have beside its own."""
        named = set(self._headers.values()) - TOKEN_CLAIMS
        return {name: claims[name] for name in named if name in claims}


async def answer_proxy(gate: "Gate", request: HttpRequest, *_: object) -> Answer:
    """Tell a proxy whether the request may pass, and whose it is."""
    if gate.proxy_guard is None:
        raise TypeError("there is no gate for proxies without proxy_gate")
    return await gate.proxy_guard.answer(request)
