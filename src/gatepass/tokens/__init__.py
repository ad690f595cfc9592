"""JWTs for signing in: policy, issuing, verifying. Pure: knows jose and sessions, no store."""

from gatepass.tokens.api_keys import ApiKey, IssuedKey
from gatepass.tokens.claims import AccessClaims, KeyClaims
from gatepass.tokens.issuer import TokenIssuer
from gatepass.tokens.legacy import LegacyTokens
from gatepass.tokens.pair import TokenPair
from gatepass.tokens.peers import LegacyToken
from gatepass.tokens.planner import PairPlanner
from gatepass.tokens.policy import TokenPolicy
from gatepass.tokens.trusted_issuer import TrustedIssuer
from gatepass.tokens.verifier import AsyncTokenVerifier, TokenVerifier

__all__ = [
    "AccessClaims",
    "ApiKey",
    "AsyncTokenVerifier",
    "IssuedKey",
    "KeyClaims",
    "LegacyToken",
    "LegacyTokens",
    "PairPlanner",
    "TokenIssuer",
    "TokenPair",
    "TokenPolicy",
    "TokenVerifier",
    "TrustedIssuer",
]
