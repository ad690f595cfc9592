"""Session claims: how a user signed in. They stay the same through every refresh. Pure.

1. The refresh token carries them as JSON text, so that a refresh needs no other call of the store.
2. The session's `sec_hash` in the store covers that text. An attacker with a refresh key, but
   without the store, cannot change the claims: the store then answers `UNKNOWN`.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from gatepass.errors import ClaimsRejected, TokenInvalid, TokenMalformed
from gatepass.jose._strict_json import decode_claims, encode_claims
from gatepass.tokens.policy import (
    MAX_CLAIMS_SIZE,
    REGISTERED_CLAIMS,
    TokenPolicy,
    is_plain_text,
    require_claims,
    require_own_claims,
)

SIGN_IN_CLAIMS: Final = frozenset({"act", "amr", "acr"})
"""Claims that always describe the login (RFC 8693 §4.1, RFC 8176, OIDC §2)."""

_FRAME: Final = b"\xff"
"""No text has this byte in its UTF-8 form: a secret alone never hashes as one with claims."""


def split_claims(
    claims: Mapping[str, Any] | None, session_claims: Mapping[str, Any] | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Claims about the user, and claims about the login; `act`, `amr` and `acr` are the latter.

    Raises:
        ClaimsRejected: An argument is no mapping or has a registered name, or a name is in both.
    """
    for given in (claims, session_claims):
        if given is not None:
            require_own_claims(given, REGISTERED_CLAIMS)
    own, of_session = dict(claims or {}), dict(session_claims or {})
    _require_apart(own, of_session)
    of_session |= {name: own.pop(name) for name in SIGN_IN_CLAIMS & own.keys()}
    return own, of_session


def merge_claims(
    policy: TokenPolicy, claims: Mapping[str, Any], session_claims: Mapping[str, Any]
) -> bytes:
    """The JSON of both together, as the store keeps them.

    `act`, `amr` and `acr` among `claims` are left out.

    Raises:
        ClaimsRejected: A name is in both, or tokens of this policy could not have these claims.
    """
    require_own_claims(claims, REGISTERED_CLAIMS)
    own = {name: value for name, value in claims.items() if name not in SIGN_IN_CLAIMS}
    _require_apart(own, session_claims)
    merged = own | dict(session_claims)
    claims_json = encode_claims(merged)
    if len(claims_json) > MAX_CLAIMS_SIZE:
        message = f"the claims take more than {MAX_CLAIMS_SIZE} bytes of JSON"
        raise ClaimsRejected(message)
    try:
        require_claims(policy, decode_claims(claims_json))  # as the verifier sees them
    except TokenMalformed:
        message = "the claims hold a number of too many digits"
        raise ClaimsRejected(message) from None
    return claims_json


def actor_of(session_claims: Mapping[str, Any]) -> str | None:
    """The actor: the `sub` of `act`, in a chain of actors the outermost (RFC 8693 §4.1).

    Raises:
        ClaimsRejected: `act` is no object with a subject.
    """
    if "act" not in session_claims:
        return None
    act = session_claims["act"]
    actor = act.get("sub") if isinstance(act, Mapping) else None
    if not isinstance(actor, str) or not is_plain_text(actor):
        message = "act is an object, and its sub a subject, as in {'sub': str(user.id)}"
        raise ClaimsRejected(message)
    return str.__str__(actor)


def session_text(session_claims: Mapping[str, Any]) -> str:
    """The JSON text of these claims for the refresh token; empty if there are none."""
    return encode_claims(session_claims).decode() if session_claims else ""


def read_session_text(text: object) -> dict[str, Any]:
    """The claims in the text of `session_text`.

    Raises:
        TokenInvalid: The text is no JSON object, or has a registered claim.
    """
    if text == "":
        return {}
    try:
        if isinstance(text, str):
            claims = decode_claims(text.encode("utf-8", "surrogatepass"))
            if REGISTERED_CLAIMS.isdisjoint(claims):
                return claims
    except TokenMalformed:
        pass
    message = "the token is invalid: its session claims are malformed"
    raise TokenInvalid(message)


def sec_hash(sec: str, text: str = "") -> bytes:
    """The hash of the session's secret and session claims that the store keeps."""
    secret = sec.encode("utf-8", "surrogatepass")
    if text:
        secret = _FRAME + hashlib.sha256(secret).digest() + text.encode("utf-8", "surrogatepass")
    return hashlib.sha256(secret).digest()


def _require_apart(claims: Mapping[str, Any], session_claims: Mapping[str, Any]) -> None:
    for name in claims.keys() & session_claims.keys():
        message = f"the claim {name} is given as the subject's and as the session's"
        raise ClaimsRejected(message)
