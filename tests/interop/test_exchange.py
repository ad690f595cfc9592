"""Tokens and keys go both ways between gatepass and other people's code, in every cell."""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from gatepass.errors import TokenInvalid
from gatepass.jose import KeySet, SharedKey, SigningKey, VerificationKey, sign, verify
from tests.interop.libraries import HS, Forms, Key, Library, Refused, octets
from tests.interop.table import CELLS, DIRECTIONS, Cell, forms_of, markdown
from tests.jose.material import OCTETS
from tests.project.files import ROOT

pytestmark = [
    pytest.mark.interop,
    pytest.mark.filterwarnings("ignore:EdDSA is deprecated"),  # joserfc goes by RFC 9864
]

CLAIMS = {
    "iss": "https://id.example",
    "sub": "Zoë ∥ 日本",
    "aud": "api",
    "iat": 1_700_000_000,
    "exp": 4_000_000_000,
    "nested": {"list": [1, 2.5, None, True]},
}
_SECRETS = {"HS256": OCTETS[:32], "HS384": OCTETS[:48], "HS512": OCTETS}


def shared_forms(algorithm: str) -> Forms:
    """A secret, which both sides have."""
    text = base64.urlsafe_b64encode(_SECRETS[algorithm]).rstrip(b"=").decode()
    jwk = {"kty": "oct", "k": text, "alg": algorithm, "kid": "shared"}
    return {"octets": (text, text), "JWK": (jwk, jwk)}


def gatepass_forms(key: SigningKey) -> Forms:
    """A key of ours as we write it."""
    public = key.public()
    pem = key.to_pem()
    return {
        "PEM": (pem, public.to_pem()),
        "JWK": (pem, public.to_jwk()),
        "JWKS": (pem, KeySet(key).public_jwks()),
    }


def public_key(algorithm: str, form: str, key: Key) -> Any:
    """What verifies, read by gatepass."""
    match form, key:
        case "octets", str():
            return SharedKey.from_bytes(octets(key), algorithm)
        case "JWK", Mapping() if algorithm in HS:
            return SharedKey.from_jwk(key)
        case "PEM", str():
            return VerificationKey.from_pem(key, algorithm=algorithm)
        case "JWK", Mapping():
            return VerificationKey.from_jwk(key, algorithm=algorithm)
        case _, Mapping():
            return KeySet.from_jwks(key, algorithm=algorithm)
    raise AssertionError(form)


def private_key(algorithm: str, form: str, key: Key) -> SigningKey | SharedKey:
    """What signs, read by gatepass."""
    if algorithm in HS:
        shared: SharedKey = public_key(algorithm, form, key)
        return shared
    if isinstance(key, str):
        return SigningKey.from_pem(key, algorithm=algorithm)
    return SigningKey.from_jwk(key, algorithm=algorithm)


def tampered(token: str) -> str:
    """The same token for another subject."""
    head, _, signature = token.split(".")
    claims = msgspec.json.encode(CLAIMS | {"sub": "eve"})
    return f"{head}.{base64.urlsafe_b64encode(claims).rstrip(b'=').decode()}.{signature}"


@pytest.mark.parametrize("cell", CELLS, ids=" ".join)
def test_tokens_and_keys_are_exchanged(cell: Cell, library: Library, record_property: Any) -> None:
    record_property("cell", cell)
    _, algorithm, direction = cell
    if direction == DIRECTIONS[0]:
        they_sign(library, algorithm)
    else:
        we_sign(library, algorithm)


def they_sign(library: Library, algorithm: str) -> None:
    """A key of theirs in every form: what they sign holds here, and what we sign with it there."""
    made = shared_forms(algorithm) if algorithm in HS else library.make(algorithm)
    for form in forms_of(library, algorithm):
        private, public = made[form]
        verifying = public_key(algorithm, form, public)
        signing = private_key(algorithm, form, private)
        kid = public["keys"][0]["kid"] if form == "JWKS" else None  # type: ignore[index]
        token = library.sign(algorithm, form, private, CLAIMS, kid)

        assert msgspec.json.decode(verify(token, verifying).payload) == CLAIMS
        with pytest.raises(TokenInvalid):
            verify(tampered(token), verifying)
        assert library.verify(algorithm, form, public, sign(CLAIMS, signing)) == CLAIMS


def we_sign(library: Library, algorithm: str) -> None:
    """A key of ours in every form: what we sign holds there, and what they sign with it here."""
    key: SigningKey | SharedKey
    if algorithm in HS:
        key = SharedKey.from_bytes(_SECRETS[algorithm], algorithm)
        forms = shared_forms(algorithm)
    else:
        key = SigningKey.generate(algorithm)
        forms = gatepass_forms(key)
    token = sign(CLAIMS, key)
    for form in forms_of(library, algorithm):
        private, public = forms[form]

        assert library.verify(algorithm, form, public, token) == CLAIMS
        with pytest.raises(Refused):
            library.verify(algorithm, form, public, tampered(token))
        if form in {"octets", "PEM"}:
            theirs = library.sign(algorithm, form, private, CLAIMS, None)
            assert msgspec.json.decode(verify(theirs, key).payload) == CLAIMS


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_document_shows_the_table(direction: str) -> None:
    assert markdown(direction) in (ROOT / "docs" / "interoperability.md").read_text()
