"""JOSE for sign-in tokens: keys, key sets, and JWS in compact serialization. Pure."""

from gatepass.jose.algorithms import ALGORITHMS
from gatepass.jose.jws import MAX_SIZE, UntrustedJws, VerifiedJws, inspect, sign, verify
from gatepass.jose.keys import Key, SharedKey, SigningKey, VerificationKey
from gatepass.jose.keyset import KeySet, KeySource

__all__ = [
    "ALGORITHMS",
    "MAX_SIZE",
    "Key",
    "KeySet",
    "KeySource",
    "SharedKey",
    "SigningKey",
    "UntrustedJws",
    "VerificationKey",
    "VerifiedJws",
    "inspect",
    "sign",
    "verify",
]
