"""`TrustedIssuer`: one issuer, its own keys, and the form of its access tokens (pure)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gatepass.errors import SettingsRejected
from gatepass.jose import Key, KeySet, KeySource
from gatepass.tokens.claims import AccessClaims, texts_in
from gatepass.tokens.policy import require_claim_names, require_name
from gatepass.tokens.typ import ACCESS_TYP, require_verifiable_typ

ClaimPath = str | tuple[str, ...]
"""A claim's name, or the names that lead to a member of a claim: `("realm_access", "roles")`."""


class MakeKeys(Protocol):
    """Makes the source of keys for a sync or an async verifier."""

    def __call__(self, *, is_async: bool) -> KeySource:
        """The source of the keys, with this `is_async`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIssuer:
    """An issuer for `TokenVerifier.for_issuers`; its tokens are verified by its own keys only.

    Raises:
        SettingsRejected: A value is not of its kind.
    """

    issuer: str
    """The one `iss`, compared exactly."""
    keys: Key | KeySet | KeySource | MakeKeys
    """The issuer's keys, or a function that makes their source."""
    audience: str | Collection[str]
    """The texts of which the audience's claim is or contains one."""
    audience_claim: str = "aud"
    typ: str | Collection[str | None] | None = ACCESS_TYP
    """The types that are accepted; `None` is a token without a type, or with "JWT"."""
    required_claims: Collection[str] = ()
    any_claim_of: Collection[str] = ()
    """If there are names, the token has a claim of one of them at least."""
    allowed_values: Mapping[str, Collection[Any]] = field(default_factory=dict)
    """For some claims all values that are accepted, where present; `()` accepts none."""
    scopes: Sequence[ClaimPath] = ("scope",)
    """The claims that hold scopes: texts with blanks between them, or lists."""
    roles: Sequence[ClaimPath] = ("role",)
    """The claims that hold roles: one role as a text, or lists."""

    def __post_init__(self) -> None:
        require_name("audience_claim", self.audience_claim)
        require_claim_names(self.any_claim_of)
        typs = self.typ if isinstance(self.typ, (list, tuple, set, frozenset)) else (self.typ,)
        for typ in typs:
            require_verifiable_typ(typ)
        for name in ("scopes", "roles"):
            paths = tuple(map(_path, _sequence(name, getattr(self, name))))
            object.__setattr__(self, name, paths)

    def claims(self, claims: dict[str, Any], key: Key) -> "IssuerClaims":
        """The verified claims, whose `scopes` and `roles` are where this issuer puts them."""
        return IssuerClaims(claims, key, self.scopes, self.roles)


class IssuerClaims(AccessClaims, frozen=True, eq=False, gc=False):
    """`AccessClaims` of an issuer that keeps scopes and roles in claims of its own."""

    _scopes_at: Sequence[ClaimPath] = ()
    _roles_at: Sequence[ClaimPath] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return IssuerClaims, (self._claims, ..., self._scopes_at, self._roles_at)

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes in the claims that the issuer keeps them in."""
        found = (texts_in(_at(self._claims, path), split=True) for path in self._scopes_at)
        return frozenset().union(*found)

    @property
    def roles(self) -> frozenset[str]:
        """The roles in the claims that the issuer keeps them in."""
        return frozenset().union(*(texts_in(_at(self._claims, path)) for path in self._roles_at))


def _at(claims: dict[str, Any], path: ClaimPath) -> object:
    value: object = claims
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _sequence(name: str, paths: object) -> Sequence[object]:
    if not isinstance(paths, (list, tuple)):
        raise SettingsRejected(f"{name} is a tuple of claims")
    return paths


def _path(path: object) -> tuple[str, ...]:
    names = (path,) if isinstance(path, str) else path
    if not isinstance(names, tuple) or not names:
        raise SettingsRejected("a claim is its name, or a tuple of the names that lead to it")
    return require_claim_names(names)
