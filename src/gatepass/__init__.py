"""Sign-in tokens: access and refresh JWTs that are issued, verified, rotated and revoked."""

from gatepass.manager import AsyncTokenManager, TokenManager
from gatepass.tokens import (
    AccessClaims,
    AsyncTokenVerifier,
    LegacyToken,
    LegacyTokens,
    TokenIssuer,
    TokenPair,
    TokenPolicy,
    TokenVerifier,
)

__all__ = [
    "AccessClaims",
    "AsyncTokenManager",
    "AsyncTokenVerifier",
    "LegacyToken",
    "LegacyTokens",
    "TokenIssuer",
    "TokenManager",
    "TokenPair",
    "TokenPolicy",
    "TokenVerifier",
]
