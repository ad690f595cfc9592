"""Proof that a request with cookies was made by a page of ours: a header no other site can set.

The value is an HMAC of the session's id, so it needs no memory and holds for one session only.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from gatepass.http.problems import CSRF_FAILED, RequestRefused
from gatepass.http.request_adapters import HttpRequest

CSRF_PURPOSE: Final = b"gatepass csrf"
"""Names the key that is derived from a refresh secret (HKDF, RFC 5869 §2.3 `info`)."""
CSRF_HEADER: Final = "X-CSRF-Token"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing (RFC 9110 §9.2.1) and need no proof."""


def csrf_token(key: bytes, session_id: str) -> str:
    """The text of `X-CSRF-Token`, 43 characters."""
    mac = hmac.digest(key, b"csrf\0" + session_id.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def require_csrf_token(request: HttpRequest, keys: Iterable[bytes], session_id: str | None) -> None:
    """Return when the header holds this session's token under one of the keys.

    Raises:
        RequestRefused: The header is missing, given twice, wrong, or of another session.
    """
    presented = request.header(CSRF_HEADER.lower())
    if len(presented) == 1 and session_id:
        given = presented[0].encode("latin-1", "replace")
        for key in keys:
            if hmac.compare_digest(csrf_token(key, session_id).encode(), given):
                return
    if not presented:
        reason = f"{CSRF_HEADER} is missing"
    elif len(presented) > 1:
        reason = f"{CSRF_HEADER} is given twice"
    elif not session_id:
        reason = "the access token in the cookie has no session"
    else:
        reason = f"{CSRF_HEADER} is not that of the access cookie's session"
    raise RequestRefused(CSRF_FAILED, reason=reason)
