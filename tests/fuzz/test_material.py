"""JWKs, JWKSs, PEM texts and secrets: a key that works, or our own error."""

import base64
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gatepass.errors import KeyRejected, TokenError
from gatepass.jose import Key, KeySet, SharedKey, SigningKey, VerificationKey, sign, verify
from tests.fuzz.strategies import JSON_VALUES, changed, jwks_like
from tests.jose.forge import b64, compact, jwk_thumbprint, public_forms
from tests.jose.material import (
    ALGORITHMS,
    OCTETS,
    pem_of,
    private_key,
    public_jwk_of,
    public_pem_of,
)

PEMS = [
    text.decode()
    for name in ("ES256", "EdDSA", "RS256")
    for text in (pem_of(private_key(name)), public_pem_of(private_key(name)))
]
FORMS = [
    form
    for name in ("RS256", "ES256", "EdDSA")
    for form in public_forms(private_key(name), public_jwk_of(private_key(name))).values()
]


def _works(key: Key) -> None:
    """Whatever was accepted signs, verifies, refuses and publishes as a key must."""
    assert key.algorithm in ALGORITHMS
    if isinstance(key, VerificationKey):
        jwk = key.to_jwk()
        assert key.thumbprint == jwk_thumbprint(jwk)
        assert VerificationKey.from_jwk(jwk).to_jwk() == jwk
        with pytest.raises(TokenError):
            verify(compact({"alg": key.algorithm}, b"{}", lambda _: bytes(64)), key)
        with pytest.raises(KeyRejected):
            sign(b"{}", key)
    else:
        assert verify(sign(b"{}", key), key).payload == b"{}"


@given(jwk=jwks_like() | JSON_VALUES, algorithm=st.sampled_from([None, *ALGORITHMS, "none", ""]))
def test_any_jwk_is_a_working_key_or_refused(jwk: Any, algorithm: str | None) -> None:
    for kind in (VerificationKey, SigningKey, SharedKey):
        try:
            key = kind.from_jwk(jwk, algorithm=algorithm)
        except KeyRejected:
            continue
        _works(key)


@given(members=st.lists(jwks_like() | JSON_VALUES, max_size=5), extra=JSON_VALUES)
def test_any_jwks_is_a_working_key_set_or_refused(members: list[Any], extra: Any) -> None:
    shapes: list[Any] = [{"keys": members, "extra": extra}, {"keys": extra}, members, extra]
    for jwks in shapes:
        try:
            keys = KeySet.from_jwks(jwks, accept_shared_keys=True)
        except KeyRejected:
            continue
        names = [(key.algorithm, key.kid) for key in keys.keys if key.kid is not None]
        assert len(set(names)) == len(names)
        assert len({isinstance(key, SharedKey) for key in keys.keys}) == 1
        for jwk in keys.public_jwks()["keys"]:
            assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(jwk)


@given(data=st.data(), pem=st.sampled_from(PEMS), octets=st.binary(max_size=60))
def test_any_pem_is_a_working_key_or_refused(data: st.DataObject, pem: str, octets: bytes) -> None:
    for text in (data.draw(changed(pem)), octets, pem.encode()[:40] + octets + pem.encode()[40:]):
        for kind in (VerificationKey, SigningKey):
            try:
                key = kind.from_pem(text, algorithm=None)
            except KeyRejected:
                continue
            _works(key)


@given(
    secret=st.text(max_size=80)
    | st.binary(max_size=80).map(lambda octets: octets.decode("latin-1"))
)
def test_any_text_is_a_working_secret_or_refused(secret: str) -> None:
    try:
        key = SharedKey.from_secret(secret)
    except KeyRejected:
        return
    assert len(secret) >= 32
    assert secret not in repr(key)
    _works(key)


@given(octets=st.binary(max_size=100), algorithm=st.sampled_from(ALGORITHMS))
def test_any_octets_are_a_working_key_or_refused(octets: bytes, algorithm: str) -> None:
    try:
        key = SharedKey.from_bytes(octets, algorithm)
    except KeyRejected:
        return
    assert len(octets) >= {"HS256": 32, "HS384": 48, "HS512": 64}[algorithm]
    _works(key)


@given(octets=st.binary(min_size=32, max_size=64))
def test_random_octets_are_taken_in_every_spelling(octets: bytes) -> None:
    assume(len(set(octets)) >= 24)  # hypothesis likes zeros
    assume(not any(octets[at : at + 3] in octets[at + 1 :] for at in range(len(octets) - 3)))

    for text in (b64(octets), octets.hex(), base64.b64encode(octets).decode()):
        _works(SharedKey.from_secret(text))
    _works(SharedKey.from_bytes(octets))


WRAPPERS = st.sampled_from(
    [
        base64.b64encode,
        lambda form: b64(form).encode(),
        base64.encodebytes,
        lambda form: form.hex().encode(),
        lambda form: b" \t\n" + form + b"\n",
        lambda form: b"\xef\xbb\xbf" + form,
        lambda form: b'"' + form + b'"',
    ]
)


@given(form=st.sampled_from(FORMS), wrappers=st.lists(WRAPPERS, max_size=3))
def test_wrapped_public_key_is_refused_as_secret(form: bytes, wrappers: list[Any]) -> None:
    for wrap in wrappers:
        form = wrap(form)

    with pytest.raises(KeyRejected):
        SharedKey.from_bytes(form)
    with pytest.raises(KeyRejected):
        SharedKey.from_secret(form.decode("latin-1"))


@given(cut=st.integers(32, 64), algorithm=st.sampled_from(["HS256", "HS384", "HS512"]))
def test_shorter_keys_are_other_keys(cut: int, algorithm: str) -> None:
    whole = SharedKey.from_bytes(OCTETS + b"x", algorithm)

    try:
        part = SharedKey.from_bytes(OCTETS[:cut], algorithm)
    except KeyRejected:
        return
    with pytest.raises(TokenError):
        verify(sign(b"{}", part), whole)
