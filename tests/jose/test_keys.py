"""Keys in and out as PEM and JWK, and the keys that are refused."""

import copy
import json
import pickle

import pytest

from gatepass.errors import KeyRejected, TokenInvalid
from gatepass.jose import SharedKey, SigningKey, VerificationKey, sign, verify
from tests.cases import case
from tests.jose.forge import b64, jwk_thumbprint
from tests.jose.material import (
    ALGORITHMS,
    ASYMMETRIC,
    ECDSA,
    EDDSA,
    HMAC,
    OCTETS,
    RSA,
    SECRET,
    any_key,
    pem_of,
    private_jwk_of,
    private_key,
    public_jwk_of,
    public_pem_of,
    rsa_key,
    signing_key,
)

PASSWORD = b"only for this test"


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_private_key_survives_pem(algorithm: str) -> None:
    key = signing_key(algorithm)

    again = SigningKey.from_pem(key.to_pem(), algorithm=algorithm)
    locked = SigningKey.from_pem(
        key.to_pem(password=PASSWORD), algorithm=algorithm, password=PASSWORD
    )

    assert again.kid == locked.kid == key.kid
    assert verify(sign(b"payload", again), key.public()).payload == b"payload"
    assert verify(sign(b"payload", locked), key.public()).payload == b"payload"


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_public_key_survives_pem_and_jwk(algorithm: str) -> None:
    token = sign(b"payload", signing_key(algorithm))
    public = signing_key(algorithm).public()

    from_pem = VerificationKey.from_pem(public.to_pem().encode(), algorithm=algorithm)
    from_jwk = VerificationKey.from_jwk(json.loads(json.dumps(public.to_jwk())))

    assert from_pem.to_jwk() == from_jwk.to_jwk() == public.to_jwk()
    assert public.to_pem().encode() == public_pem_of(private_key(algorithm))
    for key in (from_pem, from_jwk):
        assert verify(token, key).payload == b"payload"


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_public_jwk_names_key_use_algorithm_and_thumbprint(algorithm: str) -> None:
    expected = public_jwk_of(private_key(algorithm))

    jwk = signing_key(algorithm).public().to_jwk()

    kid = jwk_thumbprint(expected)
    assert jwk == expected | {"use": "sig", "alg": algorithm, "kid": kid}
    assert signing_key(algorithm).kid == kid


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_private_jwk_signs(algorithm: str) -> None:
    jwk = private_jwk_of(private_key(algorithm))

    key = SigningKey.from_jwk(jwk, algorithm=algorithm)

    assert verify(sign(b"payload", key), signing_key(algorithm).public()).payload == b"payload"


@pytest.mark.parametrize("algorithm", ["RS256", "PS512"])
def test_private_rsa_jwk_may_leave_out_its_primes(algorithm: str) -> None:
    jwk = private_jwk_of(private_key(algorithm))
    short = {name: jwk[name] for name in ("kty", "n", "e", "d")}

    key = SigningKey.from_jwk(short, algorithm=algorithm)

    assert verify(sign(b"payload", key), signing_key(algorithm).public()).payload == b"payload"


@pytest.mark.parametrize("algorithm", HMAC)
def test_shared_key_survives_its_jwk(algorithm: str) -> None:
    jwk = {"kty": "oct", "alg": algorithm, "k": b64(OCTETS)}
    key = SharedKey.from_jwk(jwk)

    assert key.algorithm == algorithm
    assert key.kid is None
    assert verify(sign(b"payload", key), any_key(algorithm)).payload == b"payload"
    assert SharedKey.from_jwk({**jwk, "kid": "mine"}).kid == "mine"


@pytest.mark.parametrize("algorithm", [*HMAC, "RS256", "PS512", *ECDSA, *EDDSA])
def test_generated_key_verifies_its_own_tokens_only(algorithm: str) -> None:
    make = SharedKey.generate if algorithm in HMAC else SigningKey.generate
    key, stranger = make(algorithm), any_key(algorithm)

    token = sign(b"payload", key)

    assert key.algorithm == algorithm
    assert verify(token, key).payload == b"payload"
    with pytest.raises(TokenInvalid):
        verify(token, stranger)


def test_shared_key_is_hs256_unless_it_says_otherwise() -> None:
    assert SharedKey.generate().algorithm == "HS256"
    assert SharedKey.from_secret(SECRET).algorithm == "HS256"
    assert SharedKey.from_bytes(OCTETS).algorithm == "HS256"


@pytest.mark.parametrize("algorithm", ECDSA)
def test_curve_chooses_the_algorithm(algorithm: str) -> None:
    assert SigningKey.from_pem(pem_of(private_key(algorithm))).algorithm == algorithm
    assert VerificationKey.from_pem(public_pem_of(private_key(algorithm))).algorithm == algorithm
    assert VerificationKey.from_jwk(public_jwk_of(private_key(algorithm))).algorithm == algorithm


def test_rsa_key_without_algorithm_is_refused() -> None:
    with pytest.raises(KeyRejected, match="algorithm"):
        SigningKey.from_pem(pem_of(rsa_key()))
    with pytest.raises(KeyRejected, match="algorithm"):
        VerificationKey.from_pem(public_pem_of(rsa_key()))
    with pytest.raises(KeyRejected, match="algorithm"):
        VerificationKey.from_jwk(public_jwk_of(rsa_key()))


@pytest.mark.parametrize("algorithm", ["RS256", *ECDSA, "EdDSA"])
def test_key_of_another_family_or_curve_is_refused(algorithm: str) -> None:
    families = (RSA, EDDSA, *((name,) for name in ECDSA))
    key = private_key(algorithm)

    for other in set(ALGORITHMS) - set(next(each for each in families if algorithm in each)):
        with case(other):
            with pytest.raises(KeyRejected):
                SigningKey.from_pem(pem_of(key), algorithm=other)
            with pytest.raises(KeyRejected):
                VerificationKey.from_pem(public_pem_of(key), algorithm=other)
            with pytest.raises(KeyRejected):
                VerificationKey.from_jwk(public_jwk_of(key) | {"alg": other})


@pytest.mark.parametrize("algorithm", ["none", "None", "", "hs256", "ES256K", "RSA-OAEP", "A256KW"])
def test_algorithm_outside_the_table_is_refused(algorithm: str) -> None:
    with pytest.raises(KeyRejected):
        SharedKey.from_bytes(OCTETS, algorithm)
    with pytest.raises(KeyRejected):
        SharedKey.generate(algorithm)
    with pytest.raises(KeyRejected):
        SigningKey.generate(algorithm)
    with pytest.raises(KeyRejected):
        SigningKey.from_pem(pem_of(rsa_key()), algorithm=algorithm)


def test_kinds_of_key_do_not_stand_in_for_each_other() -> None:
    with pytest.raises(KeyRejected):
        SigningKey.generate("HS256")
    with pytest.raises(KeyRejected):
        SharedKey.generate("RS256")
    with pytest.raises(KeyRejected):
        SharedKey.from_bytes(OCTETS, "ES256")
    with pytest.raises(KeyRejected):
        SharedKey.from_secret(SECRET, algorithm="EdDSA")


@pytest.mark.parametrize("size", [1024, 1536, 2040])
def test_rsa_key_below_2048_bits_is_refused(size: int) -> None:
    key = rsa_key(size=size)

    with pytest.raises(KeyRejected, match="2048"):
        SigningKey.from_pem(pem_of(key), algorithm="RS256")
    with pytest.raises(KeyRejected, match="2048"):
        VerificationKey.from_jwk(public_jwk_of(key), algorithm="PS256")
    with pytest.raises(KeyRejected, match="2048"):
        SigningKey.from_jwk(private_jwk_of(key), algorithm="RS256")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_key_shows_none_of_its_material(algorithm: str) -> None:
    key = any_key(algorithm)
    shown = repr(key) + str(key) + f"{key}"
    hidden = [SECRET, OCTETS.hex(), b64(OCTETS), str(OCTETS)]
    if algorithm in ASYMMETRIC:
        jwk = private_jwk_of(private_key(algorithm))
        hidden = [jwk[name] for name in ("d", "p", "q", "dp", "dq", "qi") if name in jwk]

    assert algorithm in shown
    assert not any(text in shown for text in hidden)
    assert not hasattr(key, "__dict__")


@pytest.mark.parametrize("algorithm", ["HS256", "ES256"])
def test_key_cannot_be_pickled_or_copied_by_accident(algorithm: str) -> None:
    key = any_key(algorithm)

    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(key)
    with pytest.raises(TypeError, match="cannot be pickled"):
        copy.deepcopy(key)


def test_given_name_replaces_the_thumbprint() -> None:
    private = SigningKey.from_pem(pem_of(private_key("ES256")), kid="autumn")
    public = VerificationKey.from_pem(public_pem_of(private_key("ES256")), kid="autumn")

    assert (private.kid, public.kid, private.public().kid) == ("autumn", "autumn", "autumn")
    assert public.to_jwk()["kid"] == "autumn"
    assert public.thumbprint == signing_key("ES256").kid
