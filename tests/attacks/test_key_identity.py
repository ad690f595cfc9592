"""A key is its `kid` and its algorithm together: what a forger makes of shared names."""

from itertools import product

import pytest

from gatepass.jose import KeySet
from tests.attacks.target import REFUSED, Verify, claims, forged, header
from tests.cases import case
from tests.jose.forge import hmac_signer, public_forms, signer
from tests.jose.material import (
    HMAC,
    private_key,
    public_jwk_of,
    raw_signer,
    rsa_key,
    signing_key,
)

RSA, EC = public_jwk_of(rsa_key()), public_jwk_of(private_key("ES256"))
SHARED_NAME = KeySet.from_jwks(
    {
        "keys": [
            EC | {"kid": "a"},
            RSA | {"kid": "a", "alg": "RS256"},
            RSA | {"kid": "b", "alg": "PS256"},
        ]
    }
)


def test_every_named_key_is_accepted_as_what_it_is(verify: Verify) -> None:
    for algorithm, kid in (("ES256", "a"), ("RS256", "a"), ("PS256", "b")):
        token = forged(claims(), header(alg=algorithm, kid=kid), raw_signer(algorithm))

        assert verify(token, SHARED_NAME).subject == "alice"


def test_the_algorithm_of_another_key_of_the_same_name(verify: Verify) -> None:
    for named, signed in product(
        ("ES256", "RS256", "PS256", "RS512", "EdDSA"), ("ES256", "RS256", "PS256")
    ):
        for kid in ("a", "b"):
            if (named, kid) in {("ES256", "a"), ("RS256", "a"), ("PS256", "b")} and named == signed:
                continue
            token = forged(claims(), header(alg=named, kid=kid), raw_signer(signed))
            with case(named, signed, kid), pytest.raises(REFUSED):
                verify(token, SHARED_NAME)


def test_one_key_for_two_algorithms_is_not_a_key_for_a_third(verify: Verify) -> None:
    keys = KeySet.from_jwks(
        {"keys": [RSA | {"kid": "a", "alg": alg} for alg in ("RS256", "PS256")]}
    )

    for algorithm in ("RS384", "RS512", "PS384", "PS512"):
        token = forged(claims(), header(alg=algorithm, kid="a"), signer(rsa_key(), algorithm))
        with case(algorithm), pytest.raises(REFUSED):
            verify(token, keys)


def test_public_key_of_a_shared_name_as_hmac_secret(verify: Verify) -> None:
    forms = [
        *public_forms(rsa_key(), RSA).values(),
        *public_forms(private_key("ES256"), EC).values(),
    ]
    for algorithm, form, kid in product(HMAC, forms, ("a", "b", None)):
        head = header(alg=algorithm) if kid is None else header(alg=algorithm, kid=kid)
        with pytest.raises(REFUSED):
            verify(forged(claims(), head, hmac_signer(form, algorithm[2:])), SHARED_NAME)


def test_a_shared_key_smuggled_into_a_jwks_under_a_good_name(verify: Verify) -> None:
    secret = bytes(range(7, 71))
    planted = {
        "kty": "oct",
        "kid": "a",
        "alg": "HS256",
        "k": "BwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSY",
    }
    keys = KeySet.from_jwks({"keys": [planted, EC | {"kid": "a"}]})

    for head in (header(alg="HS256", kid="a"), header(alg="HS256")):
        with pytest.raises(REFUSED):
            verify(forged(claims(), head, hmac_signer(secret[:32])), keys)


def test_a_strangers_key_under_a_name_of_ours(verify: Verify) -> None:
    stranger = signing_key("ES256", 5)

    for kid in ("a", "b", stranger.kid):
        token = forged(
            claims(), header(alg="ES256", kid=kid), signer(private_key("ES256", 5), "ES256")
        )
        with case(kid), pytest.raises(REFUSED):
            verify(token, SHARED_NAME)


@pytest.mark.parametrize("kid", ["A", "a ", " a", "a\0", "\uff41", "", "a,b", "a\nb"])
def test_a_name_that_is_only_like_one(verify: Verify, kid: str) -> None:
    token = forged(claims(), header(alg="ES256", kid=kid), raw_signer("ES256"))

    with pytest.raises(REFUSED):
        verify(token, SHARED_NAME)


def test_a_header_that_was_good_is_not_good_for_another_key_of_the_name(verify: Verify) -> None:
    keys = KeySet.from_jwks({"keys": [EC | {"kid": "a"}, RSA | {"kid": "a", "alg": "RS256"}]})
    head = header(alg="ES256", kid="a")
    assert verify(forged(claims(), head, raw_signer("ES256")), keys).subject == "alice"

    with pytest.raises(REFUSED):
        verify(forged(claims(sub="eve"), head, raw_signer("RS256")), keys)
