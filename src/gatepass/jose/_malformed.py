"""Why a value is no token in compact form, for logs; no reason quotes the token (pure).

Called only after a token was rejected, so verifying does not become slower.
"""

from typing import Final

MALFORMED: Final = "the token is malformed"
NO_JSON: Final = f"{MALFORMED}: its payload is not a JSON object"
_PAIR: Final = "TokenPair"
_OPAQUE: Final = "gp_at_"
_DOTS_OF_JWS: Final = 2
_DOTS_OF_JWE: Final = 4


def malformed(token: object, limit: int) -> str:
    """The reason for a value that is no token, but perhaps holds one."""
    if not isinstance(token, str):
        given = type(token).__name__
        hint = " (write pair.access_token, or pair.refresh_token)" if given == _PAIR else ""
        return f"{MALFORMED}: it is a text, and not {given}{hint}"
    return f"{MALFORMED}: {_why(token, limit)}"


def _why(token: str, limit: int) -> str:
    if len(token) > limit:
        return f"it has {len(token)} characters, and at most {limit} are accepted"
    if token[:7].casefold() == "bearer ":
        return 'give it without "Bearer" before it'
    if token != token.strip("\"' \t\r\n"):
        return "there are blanks, line ends or quotes around it"
    dots = token.count(".")
    if dots == _DOTS_OF_JWE:
        return "it has five parts, as an encrypted token (JWE) has: only signed ones are accepted"
    if not token:
        return "it is empty"
    if token.startswith(_OPAQUE):
        return "it is an opaque token, and no JWT: only a manager over its store can verify it"
    if not dots:
        return "it has no dots: it is opaque, and not a JWT"
    if dots != _DOTS_OF_JWS:
        return f"it has {dots + 1} parts, and a JWT has three"
    if "=" in token:
        return "it is padded with =, which base64url in a JWT is not"
    return "a part of it is not canonical base64url, or not a JSON object"
