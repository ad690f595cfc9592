"""Other libraries' tokens: which are access or refresh tokens, of whom, of which session. Pure."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gatepass.jose._base64url import encode
from gatepass.sessions import new_id
from gatepass.tokens.pair import Presented

_ID_SIZE: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyToken:
    """The answer of a `read` function about the claims of a verified token."""

    kind: str
    """`access` or `refresh`."""
    subject: str
    """The user's id, as your application passes it to `issue`."""
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The claims of your own that access tokens have; names that gatepass sets are left out."""


ReadLegacy = Callable[[Mapping[str, Any]], LegacyToken | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """The form of one library's tokens; a call reads their claims, as a `read` function does."""

    kind_claim: str
    subject_claim: str
    kinds: Mapping[str, str]
    """`access` or `refresh`, by the value of the kind's claim."""
    left_out: frozenset[str]
    """Claims of the library's own that mean nothing here, or something else."""

    def __call__(self, claims: Mapping[str, Any]) -> LegacyToken | None:
        """The kind and the subject; a number becomes text, as in `str(user.id)`."""
        value, subject = claims.get(self.kind_claim), claims.get(self.subject_claim)
        kind = self.kinds.get(value) if isinstance(value, str) else None
        if subject.__class__ is int:
            subject = str(subject)
        if kind is None or not isinstance(subject, str):
            return None
        kept = {name: each for name, each in claims.items() if name not in self.left_out}
        return LegacyToken(kind=kind, subject=subject, claims=kept)


_FLASK: Final = Peer(
    kind_claim="type",
    subject_claim="sub",
    kinds={"access": "access", "refresh": "refresh"},
    left_out=frozenset({"type", "fresh", "csrf"}),
)
PEERS: Final[Mapping[str, Peer]] = {
    "flask-jwt-extended": _FLASK,
    "authx": _FLASK,  # the same claims
    "simplejwt": Peer(
        kind_claim="token_type",
        subject_claim="user_id",
        # A sliding token is sent to every route, and to a refresh route that answers otherwise.
        kinds={"access": "access", "refresh": "refresh", "sliding": "access"},
        left_out=frozenset({"token_type", "refresh_exp", "hash_password"}),
    ),
}
"""The forms by the library's name."""


def generation_zero(subject: str, token_id: str, signature: str) -> Presented:
    """The refresh token of generation 0 that a legacy refresh token stands for."""
    identity = f"{len(subject)}:{subject}{token_id}".encode()
    named = hashlib.sha256(b"gatepass legacy session\0" + identity).digest()
    secret = hmac.digest(signature.encode(), b"gatepass legacy sec\0" + identity, hashlib.sha256)
    return Presented(
        session_id=new_id(subject, named[:_ID_SIZE]),
        subject=subject,
        generation=0,
        sec=encode(secret[:_ID_SIZE]).decode(),
        session_text="",
    )
