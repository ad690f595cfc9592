"""Key sets: who signs, who is accepted, and which sets are refused."""

import json
from typing import Any

import pytest

from gatepass.errors import KeyRejected, TokenInvalid
from gatepass.jose import Key, KeySet, KeySource, SharedKey, SigningKey, sign, verify
from tests.jose.forge import b64, compact, hmac_signer, parts
from tests.jose.material import (
    ASYMMETRIC,
    OCTETS,
    private_jwk_of,
    private_key,
    public_jwk_of,
    rsa_key,
    signing_key,
)

AUTUMN, WINTER = signing_key("ES256"), signing_key("ES256", 1)
OCT = {"kty": "oct", "alg": "HS256", "k": b64(OCTETS)}


def _octets(number: int) -> bytes:
    return bytes([number]) + OCTETS[1:32]


def test_primary_signs_and_accepted_keys_verify() -> None:
    keys = KeySet(WINTER, AUTUMN.public())

    assert parts(sign(b"{}", keys))[0]["kid"] == WINTER.kid
    for signer in (WINTER, AUTUMN):
        assert verify(sign(b"{}", signer), keys).payload == b"{}"


def test_rotate_makes_the_successor_primary_and_keeps_the_others() -> None:
    before = KeySet(AUTUMN)
    old = sign(b"{}", before)

    after = before.rotate(WINTER)

    assert after.primary is WINTER
    assert after.keys == (WINTER, AUTUMN)
    assert verify(old, after).payload == b"{}"
    assert verify(sign(b"{}", after), after).payload == b"{}"
    assert before.keys == (AUTUMN,)  # a key set never changes
    with pytest.raises(TokenInvalid):
        verify(sign(b"{}", after), before)


def test_rotating_to_an_accepted_key_makes_it_primary() -> None:
    announced = KeySet(AUTUMN, WINTER)

    promoted = announced.rotate(WINTER)

    assert promoted.primary is WINTER
    assert set(promoted.keys) == {AUTUMN, WINTER}


def test_rotating_to_an_accepted_public_key_takes_the_private_one() -> None:
    announced = KeySet(AUTUMN, WINTER.public())

    assert announced.rotate(WINTER).keys == (WINTER, AUTUMN)


def test_without_stops_accepting_a_key() -> None:
    both = KeySet(WINTER, AUTUMN)
    old = sign(b"{}", AUTUMN)
    assert verify(old, both).payload == b"{}"

    with pytest.raises(TokenInvalid):
        verify(old, both.without(AUTUMN.kid or ""))


@pytest.mark.parametrize("kid", ["", "nobody", WINTER.kid or ""], ids=["", "nobody", "primary"])
def test_without_refuses_the_primary_and_unknown_names(kid: str) -> None:
    with pytest.raises(KeyRejected):
        KeySet(WINTER, AUTUMN).without(kid)


def test_public_jwks_holds_public_halves_only() -> None:
    private = [signing_key(algorithm) for algorithm in ("RS256", "ES256", "EdDSA")]

    jwks = KeySet(private[0], private[1].public(), private[2]).public_jwks()

    assert jwks == {"keys": [key.public().to_jwk() for key in private]}
    for algorithm in ("RS256", "ES256", "EdDSA"):
        hidden = private_jwk_of(private_key(algorithm))
        for name in ("d", "p", "q", "dp", "dq", "qi"):
            assert hidden.get(name, "absent") not in json.dumps(jwks)


def test_public_jwks_of_shared_keys_is_empty() -> None:
    assert KeySet(SharedKey.generate(), SharedKey.generate("HS512")).public_jwks() == {"keys": []}


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_published_keys_verify_elsewhere(algorithm: str) -> None:
    here = KeySet(signing_key(algorithm), signing_key(algorithm, 1))

    there = KeySet.from_jwks(json.loads(json.dumps(here.public_jwks())))

    assert verify(sign(b"{}", here), there).payload == b"{}"
    with pytest.raises(KeyRejected):
        sign(b"{}", there)


def test_private_and_shared_keys_load_from_a_jwks() -> None:
    private = KeySet.from_jwks({"keys": [private_jwk_of(private_key("ES256"))]})
    shared = KeySet.from_jwks({"keys": [OCT]}, accept_shared_keys=True)

    for keys in (private, shared):
        assert verify(sign(b"{}", keys), keys).payload == b"{}"


@pytest.mark.parametrize(
    "keys",
    [
        (SharedKey.generate(), AUTUMN),
        (AUTUMN, SharedKey.generate()),
        (AUTUMN.public(), WINTER, SharedKey.generate("HS512")),
    ],
)
def test_mixing_symmetric_and_asymmetric_keys_is_refused(keys: tuple[Key, ...]) -> None:
    with pytest.raises(KeyRejected, match="mix"):
        KeySet(*keys)
    with pytest.raises(KeyRejected, match="mix"):
        KeySet.from_jwks(
            {"keys": [OCT, public_jwk_of(private_key("ES256"))]}, accept_shared_keys=True
        )


def test_name_given_twice_under_one_algorithm_is_refused() -> None:
    twin = SigningKey.from_jwk(private_jwk_of(private_key("ES256", 1)) | {"kid": AUTUMN.kid})
    with pytest.raises(KeyRejected, match="same kid and algorithm"):
        KeySet(AUTUMN, twin)

    one, other = public_jwk_of(private_key("ES256")), public_jwk_of(private_key("ES256", 1))
    with pytest.raises(KeyRejected, match="same kid and algorithm"):
        KeySet.from_jwks({"keys": [{**one, "kid": "a"}, {**other, "kid": "a"}]})


def test_name_of_an_encryption_key_does_not_count() -> None:
    ec = public_jwk_of(private_key("ES256"))
    jwks = {"keys": [{**ec, "kid": "a"}, {**ec, "kid": "a", "use": "enc", "alg": "ECDH-ES"}]}

    assert len(KeySet.from_jwks(jwks).keys) == 1


def test_shared_key_given_twice_is_refused() -> None:
    with pytest.raises(KeyRejected, match="twice"):
        KeySet(SharedKey.from_bytes(OCTETS), SharedKey.from_bytes(OCTETS, "HS512"))
    with pytest.raises(KeyRejected):
        KeySet(AUTUMN, AUTUMN.public())


@pytest.mark.parametrize("stranger", [None, "secret", b"secret", {"kty": "oct"}, [AUTUMN]])
def test_what_is_no_key_is_refused(stranger: Any) -> None:
    with pytest.raises(KeyRejected):
        KeySet(stranger)
    with pytest.raises(KeyRejected):
        KeySet(AUTUMN, stranger)
    with pytest.raises(KeyRejected):
        KeySet(AUTUMN).rotate(stranger)
    with pytest.raises(KeyRejected):
        verify(sign(b"{}", AUTUMN), stranger)
    with pytest.raises(KeyRejected):
        sign(b"{}", stranger)


def test_unknown_name_is_refused_though_the_key_is_there() -> None:
    for kid in ("nobody", "", WINTER.kid):
        with pytest.raises(TokenInvalid):
            verify(sign(b"{}", AUTUMN, kid=kid), KeySet(AUTUMN, WINTER))
    shared = SharedKey.from_bytes(OCTETS)
    with pytest.raises(TokenInvalid):
        verify(sign(b"{}", shared, kid="a name"), shared)


def test_token_without_name_is_tried_against_every_key_of_its_algorithm() -> None:
    keys = KeySet(AUTUMN, signing_key("ES384"), WINTER, signing_key("RS256"))

    for signer in keys.keys:
        assert isinstance(signer, SigningKey)
        assert verify(sign(b"{}", signer, kid=None), keys).payload == b"{}"


def test_token_without_name_is_tried_against_at_most_eight_keys() -> None:
    signers = [signing_key("ES256", number) for number in range(9)]
    keys = KeySet(*signers)

    for signer in signers[:8]:
        assert verify(sign(b"{}", signer, kid=None), keys).payload == b"{}"
    with pytest.raises(TokenInvalid):
        verify(sign(b"{}", signers[8], kid=None), keys)
    assert verify(sign(b"{}", signers[8]), keys).payload == b"{}"  # by name it is found


def test_more_than_eight_shared_keys_are_refused_because_they_have_no_names() -> None:
    keys = [SharedKey.from_bytes(_octets(number)) for number in range(9)]

    assert len(KeySet(*keys[:8]).keys) == 8
    with pytest.raises(KeyRejected):
        KeySet(*keys)


def test_shared_key_with_a_name_answers_to_it_and_to_none() -> None:
    key = SharedKey.from_jwk({**OCT, "kid": "a"})

    for header in ({"alg": "HS256", "kid": "a"}, {"alg": "HS256"}):
        assert verify(compact(header, b"{}", hmac_signer(OCTETS)), key).payload == b"{}"
    with pytest.raises(TokenInvalid):
        verify(compact({"alg": "HS256", "kid": "b"}, b"{}", hmac_signer(OCTETS)), key)


def test_unusable_keys_of_a_jwks_are_skipped() -> None:
    good = signing_key("ES256").public().to_jwk()
    unusable: list[Any] = [
        None,
        7,
        "key",
        [],
        {},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
        {"kty": "OKP", "crv": "X25519", "x": b64(bytes(32))},
        {**public_jwk_of(rsa_key()), "use": "enc"},
        {**public_jwk_of(rsa_key(size=1024)), "alg": "RS256"},
        public_jwk_of(rsa_key()),  # names no algorithm
        {"kty": "oct", "alg": "HS256", "k": "c2hvcnQ"},
        {"kty": "EC", "alg": "ES256"},
        {**private_jwk_of(private_key("ES256", 1)), "d": "AA"},
        {**good, "kid": 7},
    ]

    keys = KeySet.from_jwks({"keys": [*unusable, good], "extra": 1})

    assert [key.kid for key in keys.keys] == [good["kid"]]
    with pytest.raises(KeyRejected, match="no usable key"):
        KeySet.from_jwks({"keys": unusable})


@pytest.mark.parametrize(
    "jwks", [None, 7, "{}", b"{}", [], {}, {"keys": None}, {"keys": {}}, {"keys": []}, {"key": [1]}]
)
def test_empty_or_shapeless_jwks_is_refused(jwks: Any) -> None:
    with pytest.raises(KeyRejected):
        KeySet.from_jwks(jwks)


def test_algorithm_argument_serves_keys_that_name_none() -> None:
    unnamed = public_jwk_of(rsa_key())
    named = public_jwk_of(rsa_key(1)) | {"alg": "RS512"}

    keys = KeySet.from_jwks({"keys": [unnamed, named]}, algorithm="PS256")

    assert [key.algorithm for key in keys.keys] == ["PS256", "RS512"]


def test_key_set_is_its_own_source_and_shows_no_material() -> None:
    keys = KeySet(AUTUMN, WINTER)

    assert isinstance(keys, KeySource)
    assert keys.current() is keys
    assert keys.version == keys.version == KeySet(AUTUMN).version
    assert private_jwk_of(private_key("ES256"))["d"] not in repr(keys)


def test_source_of_keys_is_asked_for_every_token() -> None:
    class Rotating:
        version = 1
        held = KeySet(AUTUMN)

        def current(self) -> KeySet:
            return self.held

    source = Rotating()
    old = sign(b"{}", source)
    source.held = source.held.rotate(WINTER)

    assert verify(old, source).payload == b"{}"
    assert parts(sign(b"{}", source))[0]["kid"] == WINTER.kid
    source.held = source.held.without(AUTUMN.kid or "")
    with pytest.raises(TokenInvalid):
        verify(old, source)
