"""A coverage-guided fuzzer over every parser: `python -m tests.fuzz.harness -max_total_time=60`.

The first octet chooses the target, the rest is its input; anything but our own error is a find.
"""

import importlib
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

atheris: Any = importlib.import_module("atheris")  # has no types, and not a wheel everywhere

with atheris.instrument_imports(include=["gatepass"]):
    from gatepass.errors import GatepassError
    from gatepass.jose import KeySet, SharedKey, SigningKey, VerificationKey, inspect, verify
    from gatepass.jose._strict_json import decode_claims, decode_header
    from tests.attacks.target import KEY, claims, forged, verify_sync
    from tests.jose.forge import compact, hmac_signer
    from tests.jose.material import SECRET, signing_key

GOOD = forged(claims())
PUBLIC = KeySet(signing_key("ES256").public(), signing_key("EdDSA").public())
SIGN = hmac_signer(SECRET)


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")


def token(octets: bytes) -> None:
    """A whole token under a shared and under public keys."""
    text = _text(octets)
    with suppress(GatepassError):
        inspect(text)
    for keys in (KEY, PUBLIC):
        with suppress(GatepassError):
            verify(text, keys)
            assert text == GOOD, "a token that nobody signed was accepted"


def edited_token(octets: bytes) -> None:
    """A good token, edited."""
    at, until, edit = octets[:1], octets[1:2], octets[2:]
    start = int.from_bytes(at) * len(GOOD) // 256
    text = GOOD[:start] + _text(edit) + GOOD[start + int.from_bytes(until) % 8 :]
    with suppress(GatepassError):
        verify_sync(text)
        assert text == GOOD, "a changed token was accepted"


def header(octets: bytes) -> None:
    """A header, honestly signed."""
    with suppress(GatepassError):
        decode_header(octets)
    with suppress(GatepassError):
        assert verify(compact(octets, b"{}", SIGN), KEY).header["alg"] == "HS256"


def payload(octets: bytes) -> None:
    """A payload, honestly signed."""
    with suppress(GatepassError):
        decode_claims(octets)
    with suppress(GatepassError):
        assert isinstance(verify_sync(forged(octets)).subject, str)


def jwk(octets: bytes) -> None:
    """A JWK, and a JWKS of it."""
    try:
        value = json.loads(octets)
    except (ValueError, RecursionError):
        return
    for kind in (VerificationKey, SigningKey, SharedKey):
        with suppress(GatepassError):
            kind.from_jwk(value)
    with suppress(GatepassError):
        KeySet.from_jwks({"keys": [value]}, accept_shared_keys=True)
    with suppress(GatepassError):
        KeySet.from_jwks(value)


def material(octets: bytes) -> None:
    """PEM, secret and key bytes."""
    for kind in (VerificationKey, SigningKey):
        with suppress(GatepassError):
            kind.from_pem(octets, algorithm="ES256")
    with suppress(GatepassError):
        SharedKey.from_secret(_text(octets))
    with suppress(GatepassError):
        SharedKey.from_bytes(octets)


TARGETS: tuple[Callable[[bytes], None], ...] = (
    token,
    edited_token,
    header,
    payload,
    jwk,
    material,
)


def try_one(octets: bytes) -> None:
    """Feed one input to the target that it names."""
    if octets:
        TARGETS[octets[0] % len(TARGETS)](octets[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()
