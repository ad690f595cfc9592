"""The service under attack: its keys, its verifiers, and tokens forged for it by hand."""

import asyncio
import json
from collections.abc import Mapping
from types import EllipsisType
from typing import Any, Protocol

from gatepass import AccessClaims, AsyncTokenVerifier, TokenVerifier
from gatepass.errors import TokenInvalid, TokenMalformed
from gatepass.jose import Key, KeySet, SharedKey
from tests.jose.forge import Json, Sign, compact, hmac_signer
from tests.jose.material import SECRET

NOW = 1_800_000_000
ISSUER, AUDIENCE = "api-server", "api-client"
KEY = SharedKey.from_secret(SECRET)
SIGN = hmac_signer(SECRET)
HEADER = {"alg": "HS256", "typ": "at+jwt"}
REFUSED = (TokenMalformed, TokenInvalid)


class Verify(Protocol):
    """One of the verifiers' doors."""

    def __call__(self, token: Any, keys: Key | KeySet = KEY, **options: Any) -> AccessClaims: ...


def verify_sync(token: Any, keys: Key | KeySet = KEY, **options: Any) -> AccessClaims:
    """Through `TokenVerifier`, at `NOW`."""
    return TokenVerifier(keys, **(_defaults() | options)).verify(token)


def verify_async(token: Any, keys: Key | KeySet = KEY, **options: Any) -> AccessClaims:
    """Through `AsyncTokenVerifier`, at `NOW`."""
    return asyncio.run(AsyncTokenVerifier(keys, **(_defaults() | options)).verify(token))


def _defaults() -> dict[str, Any]:
    return {"issuer": ISSUER, "audience": AUDIENCE, "now": lambda: NOW}


def claims(**changes: object) -> dict[str, Any]:
    """Good claims, changed; `...` leaves one out."""
    good: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "alice",
        "iat": NOW - 60,
        "exp": NOW + 600,
        "jti": "00token",
    }
    return {
        name: value
        for name, value in (good | changes).items()
        if not isinstance(value, EllipsisType)
    }


def forged(payload: Json, header: Json | None = None, sign: Sign = SIGN) -> str:
    """A token over this payload and header, by default with a signature that holds."""
    return compact(HEADER if header is None else header, payload, sign)


def claims_text(member: bytes | str, *dropped: str) -> bytes:
    """Good claims as JSON text without the dropped ones, and one more member as written."""
    octets = member.encode("utf-8", "surrogatepass") if isinstance(member, str) else member
    good = json.dumps(claims(**dict.fromkeys(dropped, ...)))
    return good[:-1].encode() + b"," + octets + b"}"


def header(**changes: object) -> Mapping[str, Any]:
    """The good header, changed; `...` leaves a member out."""
    return {
        name: value
        for name, value in (HEADER | changes).items()
        if not isinstance(value, EllipsisType)
    }
