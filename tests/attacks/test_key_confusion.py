"""A public key as HMAC secret, another algorithm than the key's, another key than the set's."""

import hashlib
import itertools
from typing import Any

import pytest

from gatepass import AsyncTokenManager, TokenManager, TokenPolicy
from gatepass.errors import KeyRejected
from gatepass.jose import KeySet, SharedKey, VerificationKey
from gatepass.jose import sign as sign_jws
from gatepass.jose import verify as verify_jws
from gatepass.jose.keyset import require_disjoint
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from tests.attacks.target import AUDIENCE, ISSUER, REFUSED, Verify, claims, forged, header
from tests.cases import case
from tests.jose.forge import hmac_signer, public_forms, signer, slug
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
    private_key,
    public_jwk_of,
    raw_signer,
    rsa_key,
    signing_key,
)

KINDS = {"RS256": "RS256", "PS512": "PS512", "ES256": "ES256", "ES512": "ES512", "EdDSA": "EdDSA"}
FORMS = [
    pytest.param(kind, form, id=slug(f"{kind} {name}"))
    for kind in KINDS
    for name, form in public_forms(private_key(kind), public_jwk_of(private_key(kind))).items()
]
FAMILIES = (RSA, ECDSA, EDDSA, HMAC)


@pytest.mark.parametrize(("kind", "form"), FORMS)
def test_public_key_as_hmac_secret(verify: Verify, kind: str, form: bytes) -> None:
    key = signing_key(kind).public()
    keys = KeySet(key, signing_key("ES384"))

    for algorithm in HMAC:
        sign = hmac_signer(form, algorithm[2:])
        for named in (header(alg=algorithm), header(alg=algorithm, kid=key.kid)):
            with pytest.raises(REFUSED):
                verify(forged(claims(), named, sign), keys)


def test_empty_or_short_hmac_secret_against_a_public_key(verify: Verify) -> None:
    for algorithm in ASYMMETRIC:
        with case(algorithm):
            for hmac, secret in itertools.product(HMAC, (b"", b"\0", b"secret", bytes(64))):
                with case(hmac, secret), pytest.raises(REFUSED):
                    verify(
                        forged(claims(), header(alg=hmac), hmac_signer(secret, hmac[2:])),
                        signing_key(algorithm).public(),
                    )


def test_algorithm_of_the_keys_family_but_not_the_keys(verify: Verify) -> None:
    for mine in ALGORITHMS:
        with case(mine):
            family = next(family for family in FAMILIES if mine in family)
            key = any_key(mine)
            honest = raw_signer(mine)

            assert verify(forged(claims(), header(alg=mine), honest), key).subject == "alice"
            for named in {*family} - {mine}:
                signs = [honest]
                if mine in RSA:  # signed with the very key, as the header says
                    signs.append(signer(rsa_key(), named))
                elif mine in HMAC:
                    signs.append(raw_signer(named))
                for sign in signs:
                    for head in (header(alg=named), header(alg=named, kid=key.kid or "x")):
                        with case(head), pytest.raises(REFUSED):
                            verify(forged(claims(), head, sign), key)


@pytest.mark.parametrize(
    "named",
    ["hs256", "Hs256", "HS256 ", "HS-256", "\uff28\uff33256", "HS\uff12\uff15\uff16", "HS256\0"],
)
def test_algorithm_spelled_otherwise(verify: Verify, named: str) -> None:
    with pytest.raises(REFUSED):
        verify(forged(claims(), header(alg=named)))


def test_the_two_names_of_ed25519_are_two_algorithms(verify: Verify) -> None:
    sign = raw_signer("EdDSA")

    assert verify(forged(claims(), header(alg="EdDSA"), sign), signing_key("EdDSA"))
    with pytest.raises(REFUSED):
        verify(forged(claims(), header(alg="Ed25519"), sign), signing_key("EdDSA"))
    with pytest.raises(REFUSED):
        verify(forged(claims(), header(alg="EdDSA"), sign), signing_key("Ed25519"))


def test_name_of_one_member_with_the_algorithm_of_another(verify: Verify) -> None:
    ours = [signing_key("RS256"), signing_key("ES256"), signing_key("EdDSA")]
    keys = KeySet(*ours)

    for key in ours:
        for other in ours:
            head = header(alg=other.algorithm, kid=key.kid)
            token = forged(claims(), head, raw_signer(other.algorithm))
            if key is other:
                assert verify(token, keys).subject == "alice"
            else:
                with pytest.raises(REFUSED):
                    verify(token, keys)


def test_another_key_of_the_right_kind(verify: Verify) -> None:
    for algorithm in ALGORITHMS:
        with case(algorithm):
            key = any_key(algorithm)
            sign = (
                hmac_signer(b"another secret, of which nobody here knows a thing", algorithm[2:])
                if algorithm in HMAC
                else signer(private_key(algorithm, 1), algorithm)
            )

            for head in (header(alg=algorithm), header(alg=algorithm, kid=key.kid)):
                with pytest.raises(REFUSED):
                    verify(forged(claims(), head, sign), key)


def test_key_of_another_curve(verify: Verify) -> None:
    for named, used in itertools.permutations(ECDSA, 2):
        with case(named, used), pytest.raises(REFUSED):
            verify(
                forged(claims(), header(alg=named), signer(private_key(used), used)),
                VerificationKey.from_jwk(public_jwk_of(private_key(named))),
            )


def test_access_and_refresh_tokens_under_one_key() -> None:
    for manager in [TokenManager, AsyncTokenManager]:
        with case(manager):
            store = MemoryStore() if manager is TokenManager else AsyncMemoryStore()
            policy = TokenPolicy(issuer=ISSUER, audience=AUDIENCE)
            shared, signing = SharedKey.from_secret(SECRET), signing_key("ES256")
            for access, refresh in (
                (shared, shared),
                (shared, SharedKey.from_secret(SECRET, algorithm="HS256")),
                (signing, signing),
                (signing, KeySet(signing_key("ES256", 1), signing.public())),
                (signing.public(), shared),  # and one that cannot sign
                (shared, signing.public()),
            ):
                with pytest.raises(KeyRejected):
                    manager(policy, access_keys=access, refresh_keys=refresh, store=store)


def _equal_hmac_keys() -> list[Any]:
    """Secrets that differ, and are one key to HMAC (RFC 2104 §2)."""
    long = hashlib.shake_256(b"a long key").digest(129)
    return [
        pytest.param("HS256", OCTETS[:40], OCTETS[:40] + b"\0", id="one zero more"),
        pytest.param("HS256", OCTETS[:40], OCTETS[:40] + bytes(24), id="zeros to the block"),
        pytest.param("HS256", long[:80], hashlib.sha256(long[:80]).digest(), id="its SHA-256"),
        pytest.param("HS384", long[:129], hashlib.sha384(long[:129]).digest(), id="its SHA-384"),
        pytest.param("HS512", long[:129], hashlib.sha512(long[:129]).digest(), id="its SHA-512"),
        pytest.param("HS512", OCTETS, OCTETS + bytes(64), id="zeros to a block of 128"),
    ]


@pytest.mark.parametrize(("algorithm", "one", "other"), _equal_hmac_keys())
def test_another_secret_that_is_the_same_hmac_key(algorithm: str, one: bytes, other: bytes) -> None:
    first, second = SharedKey.from_bytes(one, algorithm), SharedKey.from_bytes(other, algorithm)

    assert verify_jws(sign_jws(b"x", first), second).payload == b"x"  # the reason
    assert first.is_same_key(second)
    with pytest.raises(KeyRejected, match="twice"):
        KeySet(first, second)
    with pytest.raises(KeyRejected, match="share a key"):
        require_disjoint(KeySet(first), KeySet(second))
    with pytest.raises(KeyRejected, match="share a key"):
        TokenManager(
            TokenPolicy(issuer=ISSUER, audience=AUDIENCE),
            access_keys=first,
            refresh_keys=second,
            store=MemoryStore(),
        )


def test_secrets_that_are_other_hmac_keys_stay_apart() -> None:
    long = OCTETS + OCTETS[::-1]
    hashed = hashlib.sha256(long).digest()

    assert not SharedKey.from_bytes(OCTETS[:40]).is_same_key(SharedKey.from_bytes(OCTETS[:41]))
    assert not SharedKey.from_bytes(OCTETS[:40]).is_same_key(
        SharedKey.from_bytes(b"\1" + OCTETS[:39])
    )
    # 128 octets are one block of SHA-512, so HS512 does not hash them.
    assert not SharedKey.from_bytes(long, "HS512").is_same_key(SharedKey.from_bytes(hashed))
    # One secret under two algorithms is one key, though each hashes it in its own way.
    assert SharedKey.from_bytes(long, "HS512").is_same_key(SharedKey.from_bytes(long))
