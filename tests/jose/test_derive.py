"""Secrets for other purposes: RFC 5869, one key and one purpose each."""

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gatepass.jose import SharedKey, SigningKey

SECRET = "vT4mQ8xZ2pLw7RkJ9sYcD3fHbN6gUe1a"


def test_a_shared_key_derives_as_the_rfc_says() -> None:
    derived = SharedKey.from_secret(SECRET).derive(b"purpose")
    reference = HKDF(SHA256(), 32, b"gatepass derived keys", b"purpose").derive(SECRET.encode())

    assert derived == reference


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_a_signing_key_derives_the_same_wherever_it_is_loaded(algorithm: str) -> None:
    key = SigningKey.generate(algorithm)
    loaded = SigningKey.from_pem(key.to_pem(), algorithm=algorithm)

    assert key.derive(b"purpose") == loaded.derive(b"purpose")
    assert key.derive(b"purpose") != SigningKey.generate(algorithm).derive(b"purpose")


def test_purposes_and_keys_do_not_meet() -> None:
    one, other = SharedKey.from_secret(SECRET), SharedKey.from_secret(SECRET[::-1])

    assert len({key.derive(purpose) for key in (one, other) for purpose in (b"a", b"b")}) == 4
