"""Tokens that somebody else signed, or that are of another type."""

from gatepass.jose import SharedKey, sign, verify


def forged(token: str, secret: str, typ: str, *, same: bool = False) -> str:
    """The same claims under another secret, or under the `same` one as another type."""
    key = SharedKey.from_secret(secret if same else secret[::-1])
    return sign(verify(token, SharedKey.from_secret(secret)).payload, key, typ=typ)
