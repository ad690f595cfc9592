"""Secrets: which become keys, and which never do."""

import base64
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from gatepass.errors import KeyRejected
from gatepass.jose import SharedKey
from tests.cases import case
from tests.jose.forge import b64, public_forms
from tests.jose.material import (
    OCTETS,
    OTHER_SECRET,
    SECRET,
    pem_of,
    private_jwk_of,
    private_key,
    public_jwk_of,
)

KINDS = ("RS256", "ES256", "ES512", "EdDSA")
FORMS = {
    f"{kind} {name}": form
    for kind in KINDS
    for name, form in public_forms(private_key(kind), public_jwk_of(private_key(kind))).items()
}


def _refused(secret: str) -> None:
    with pytest.raises(KeyRejected) as refusal:
        SharedKey.from_secret(secret)
    assert len(secret) < 8 or secret not in repr(refusal.value)


def test_a_passphrase_of_many_uncommon_words_is_taken() -> None:
    SharedKey.from_secret("glacier-tundra-ocelot-quince-velvet-harpoon-mosaic")
    SharedKey.from_secret("Ein längerer Satz über Käse, Öfen und zwölf Boxkämpfer!")


@pytest.mark.parametrize("size", [0, 1, 6, 16, 31])
def test_secret_below_32_characters_is_refused(size: int) -> None:
    _refused(SECRET[:size])


def test_secret_of_32_characters_is_enough_for_hs256_only() -> None:
    assert SharedKey.from_secret(SECRET[:32]).algorithm == "HS256"
    for algorithm in ("HS384", "HS512"):
        with pytest.raises(KeyRejected):
            SharedKey.from_secret(SECRET[:32], algorithm=algorithm)


@pytest.mark.parametrize(
    "secret",
    [
        " " * 40,
        "abc123" * 8,
        "deadbeef" * 4,
        "0123456789abcdef" * 2,
        "abcdefghijklmnopqrstuvwxyzabcdef",
        "zyxwvutsrqponmlkjihgfedcba987654",
        "qwertyuiopasdfghjklzxcvbnmqwertyuiop",
        "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
        "qazwsxedcrfvtgbyhnujmikolpqazwsxedcrfv",
        "1234567890qwertyuiopasdfghjklzxcvbnm",
        "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb",
        "11112222333344445555666677778888",
        "a" * 31 + "b",
        "ab" * 15 + "xy",
        "ÄÖ" * 20,
        "🔑" * 40,
        "\0" * 40,
    ],
    ids=lambda secret: ascii(secret)[:24],
)
def test_secret_that_repeats_or_runs_is_refused(secret: str) -> None:
    _refused(secret)


@pytest.mark.parametrize(
    "secret",
    [
        "your_super_secret_key_change_in_production",
        "your-access-secret-at-least-32-characters-long",
        "this-is-a-very-long-secret-key-for-jwt-signing",
        "please-change-this-secret-in-production!!",
        "super-secret-jwt-token-with-at-least-32-characters-long",
        "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
        "django-insecure-8y^5x!u@p2m(7k$w0r#z4t&n6v*b1c3",
        "JWT_ACCESS_SECRET=replace-me-please-replace-me",
        "correct horse battery staple correct horse battery",
        "SECRETSECRETSECRETSECRETSECRETSECRET1!",
    ],
)
def test_well_known_example_is_refused(secret: str) -> None:
    _refused(secret)
    _refused(f" {secret}\n")


def test_public_key_in_any_form_is_refused_as_secret() -> None:
    for name, form in FORMS.items():
        with case(name), pytest.raises(KeyRejected):
            SharedKey.from_bytes(form)
        with case(name), pytest.raises(KeyRejected):
            SharedKey.from_jwk({"kty": "oct", "alg": "HS256", "k": b64(form)})
        for encoding in ("utf-8", "latin-1"):  # a DER file read as text
            with case(name), suppress(UnicodeDecodeError):
                _refused(form.decode(encoding))


@pytest.mark.parametrize("kind", KINDS)
def test_private_key_in_any_form_is_refused_as_secret(kind: str) -> None:
    key = private_key(kind)
    pem = pem_of(key)
    ssh = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"password"),
    )
    der = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for form in (pem, ssh, locked, der, base64.b64encode(der), str(private_jwk_of(key)).encode()):
        with pytest.raises(KeyRejected):
            SharedKey.from_bytes(form)
        if form.isascii():
            _refused(form.decode())


@pytest.mark.parametrize("kind", KINDS)
def test_certificate_is_refused_as_secret(kind: str) -> None:
    key = private_key(kind)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gate.example")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 7)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
        .sign(key, None if kind == "EdDSA" else hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    der = certificate.public_bytes(serialization.Encoding.DER)

    for form in (pem, der, base64.b64encode(pem), base64.b64encode(der), b"\n " + pem):
        with pytest.raises(KeyRejected):
            SharedKey.from_bytes(form)
        _refused(form.decode("latin-1"))


@pytest.mark.parametrize("secret", [None, 7, b"x" * 40, bytearray(40), ["x" * 40], True])
def test_secret_is_text(secret: Any) -> None:
    with pytest.raises(KeyRejected):
        SharedKey.from_secret(secret)


@pytest.mark.parametrize("octets", [None, 7, "x" * 40, bytearray(OCTETS), [1] * 40])
def test_key_bytes_are_bytes(octets: Any) -> None:
    with pytest.raises(KeyRejected):
        SharedKey.from_bytes(octets)


def test_text_without_a_utf8_form_is_refused() -> None:
    _refused(SECRET + "\ud800")


@pytest.mark.parametrize(("algorithm", "size"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_key_bytes_are_as_long_as_the_hash(algorithm: str, size: int) -> None:
    assert SharedKey.from_bytes(OCTETS[:size], algorithm).algorithm == algorithm
    with pytest.raises(KeyRejected):
        SharedKey.from_bytes(OCTETS[: size - 1], algorithm)


def test_key_bytes_of_few_values_are_refused() -> None:
    for octets in (bytes(32), b"\xff" * 64, b"ab" * 32, b"\0\1\2\3" * 16):
        with pytest.raises(KeyRejected):
            SharedKey.from_bytes(octets)


def test_secrets_of_one_service_are_told_apart() -> None:
    first, second = SharedKey.from_secret(SECRET), SharedKey.from_secret(OTHER_SECRET)

    assert first.is_same_key(SharedKey.from_secret(SECRET))
    assert first.is_same_key(SharedKey.from_bytes(SECRET.encode()))
    assert not first.is_same_key(second)


def test_random_octets_in_many_layers_of_base64_are_taken() -> None:
    secret = OCTETS
    for _ in range(7):
        secret = base64.b64encode(secret)

    assert SharedKey.from_secret(secret.decode()).algorithm == "HS256"


@pytest.mark.parametrize("part", ["x", "-----BEGIN", "[", "QUJD"])
def test_a_huge_secret_is_refused(part: str) -> None:
    _refused(part * (100_000 // len(part)))


@pytest.mark.parametrize(("wrong", "hint"), [(None, "is its variable set"), (b"\0" * 32, "bytes")])
def test_what_is_no_text_is_refused_with_a_hint(wrong: Any, hint: str) -> None:
    with pytest.raises(KeyRejected, match=hint):
        SharedKey.from_secret(wrong)


def test_a_short_secret_is_told_how_a_long_one_is_made() -> None:
    with pytest.raises(KeyRejected, match=r"`gatepass secret` or secrets\.token_urlsafe\(32\)$"):
        SharedKey.from_secret("hunter2")
    with pytest.raises(KeyRejected, match=r'generate\("HS512"\) or secrets\.token_bytes\(64\)$'):
        SharedKey.from_bytes(b"hunter2" * 9, "HS512")


@pytest.mark.parametrize(
    "secret",
    [
        "reallyreallyreallyreallyverysafe",
        "reallyreallyreallyreallyverysafe\n",
        base64.b64encode(b"reallyreallyreallyreallyverysafe").decode(),
        b"reallyreallyreallyreallyverysafe".hex(),
    ],
    ids=["text", "with a line end", "base64", "hex"],
)
def test_a_secret_of_a_public_list_is_refused_in_every_form(secret: str) -> None:
    _refused(secret)
