"""Why a token was rejected, for logs: the wanted value, and never the token's.

Called only after a token was rejected, so verifying does not become slower.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from gatepass.tokens.policy import is_allowed

INVALID: Final = "the token is invalid"
IRREVOCABLE: Final = "the token has neither sid nor jti: it could never be revoked"


def is_refused(verdict: object) -> bool:
    """Whether a verdict of `is_revoked` that is not `False` rejects the token.

    Raises:
        TypeError: The verdict is `None`, as of a method without `return`.
    """
    if verdict is None:
        message = "is_revoked answered None: it has to say True or False"
        raise TypeError(message)
    return bool(verdict)


def refused_typ(wanted: Collection[str | None]) -> str:
    """The reason for a token of another type."""
    return f"{INVALID}: its typ is not {' or '.join(sorted(filter(None, wanted)))}"


def refused_claims(
    claims: Mapping[str, Any],
    issuer: str,
    audiences: tuple[str, Collection[str]],
    allowed: Iterable[tuple[str, Collection[Any]]],
) -> str:
    """The reason for a claim that has another value, or a value of another kind.

    Args:
        claims: All claims of the token.
        issuer: The one `iss`.
        audiences: The name of the audience's claim, and the values that are accepted in it.
        allowed: For some claims all values that are accepted.
    """
    if claims["iss"] != issuer:
        return f"{INVALID}: its iss is not {issuer!r}"
    name, accepted = audiences
    named = claims[name] if isinstance(claims[name], list) else [claims[name]]
    if not any(isinstance(each, str) and each in accepted for each in named):
        return f"{INVALID}: its {name} is not {' or '.join(map(repr, sorted(accepted)))}"
    if not all(isinstance(each, str) for each in named):
        return f"{INVALID}: its {name} is a list in which not all are texts"
    for name, values in allowed:
        if name in claims and not is_allowed(claims[name], values):
            return f"{INVALID}: its {name} is none of those allowed"
    for name in ("exp", "iat", "nbf"):
        if name in claims and not is_number(claims[name]):
            return f"{INVALID}: its {name} is not a number"
    wrong = [name for name in ("sub", "jti", "sid") if not isinstance(claims.get(name, ""), str)]
    return f"{INVALID}: its {wrong[0]} is not a text"


def is_number(value: object) -> bool:
    """A NumericDate: a finite number, and a boolean is none (RFC 7519 §2)."""
    # `isfinite` for floats only: a whole number too large for a float would raise.
    return value.__class__ is int or (isinstance(value, float) and math.isfinite(value))
