"""Why a token was rejected, for logs: the wanted value, and never the token's.

Called only after a token was rejected, so verifying does not become slower.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from gatepass.tokens.policy import is_allowed

INVALID: Final = "the token is invalid"
_MALFORMED: Final = "the token is malformed"
_PAIR: Final = "TokenPair"


def is_refused(verdict: object) -> bool:
    """Whether a verdict of `is_revoked` that is not `False` rejects the token.

    Raises:
        TypeError: The verdict is `None`, as of a method without `return`.
    """
    if verdict is None:
        message = "is_revoked answered None: it has to say True or False"
        raise TypeError(message)
    return bool(verdict)


def malformed(token: object) -> str:
    """The reason for a value that is no token, but perhaps holds one."""
    if not isinstance(token, str):
        given = type(token).__name__
        hint = " (write pair.access_token, or pair.refresh_token)" if given == _PAIR else ""
        return f"{_MALFORMED}: it is a text, and not {given}{hint}"
    if token[:7].casefold() == "bearer ":
        return f'{_MALFORMED}: give it without "Bearer" before it'
    if token != token.strip("\"' \t\r\n"):
        return f"{_MALFORMED}: there are blanks, line ends or quotes around it"
    return _MALFORMED


def refused_typ(wanted: Collection[str | None]) -> str:
    """The reason for a token of another type."""
    return f"{INVALID}: its typ is not {' or '.join(sorted(filter(None, wanted)))}"


def refused_claims(
    claims: Mapping[str, Any],
    issuer: str,
    audience: str,
    allowed: Iterable[tuple[str, Collection[Any]]],
) -> str:
    """The reason for a claim that has another value, or a value of another kind."""
    if claims["iss"] != issuer:
        return f"{INVALID}: its iss is not {issuer!r}"
    named = claims["aud"]
    if audience not in (named if isinstance(named, list) else [named]):
        return f"{INVALID}: its aud is not {audience!r}"
    for name, values in allowed:
        if name in claims and not is_allowed(claims[name], values):
            return f"{INVALID}: its {name} is none of those allowed"
    return f"{INVALID}: one of aud, sub, exp, iat, nbf, jti and sid is not of its kind"
