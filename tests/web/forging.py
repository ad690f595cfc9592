"""Tokens that other keys sign."""

from gatepass.jose import SharedKey, sign, verify


def forged(token: str, secret: str, typ: str, *, same: bool = False) -> str:
    """The token's claims, signed by another key of the same kind, or by the same one."""
    key = SharedKey.from_secret(secret if same else secret[::-1])
    return sign(verify(token, SharedKey.from_secret(secret)).payload, key, typ=typ)
