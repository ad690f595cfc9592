"""Bearer credentials in, challenges out (RFC 6750); text only, tokens are not verified here.

Tokens come in the `Authorization` header alone: those in a query string end up in logs and
browser histories, so they are ignored (RFC 6750 §5.3).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from gatepass.http.problems import INVALID_REQUEST, RequestRefused

_TWO_IN_ONE: Final = re.compile(r"^\s*(bearer|basic)\s[^,]*,|,\s*bearer(\s|$)", re.IGNORECASE)
"""Neither a bearer token (RFC 6750 §2.1) nor one of Basic has a comma in it."""


def parse_bearer(authorization: Sequence[str]) -> str | None:
    """The token in a request's `Authorization` headers, `None` when there is none.

    Another scheme, or an empty value, is no token. The text after `Bearer` is taken as it is:
    the verifier rejects text that cannot be a token (RFC 6750 §2.1).

    Raises:
        RequestRefused: The request has several headers, or one that was joined from several
            (RFC 9110 §5.3), so it is unclear which one counts.
    """
    if not authorization:
        return None
    value = authorization[0]
    if len(authorization) > 1 or ("," in value and _TWO_IN_ONE.search(value)):
        reason = "Authorization is given twice"
        raise RequestRefused(INVALID_REQUEST, challenge="invalid_request", reason=reason)
    scheme, _, token = value.strip(" \t").partition(" ")
    if scheme.lower() != "bearer":
        return None
    return token.strip(" \t") or None


def format_challenge(error: str, description: str, parameters: Mapping[str, str]) -> str:
    """A `WWW-Authenticate` value (RFC 6750 §3); `""` as the error says nothing but `Bearer`.

    The answer to a request without a token gives no reason (RFC 6750 §3.1).
    """
    if not error:
        return "Bearer"
    pairs = {"error": error, "error_description": description, **parameters}
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in pairs.items())
