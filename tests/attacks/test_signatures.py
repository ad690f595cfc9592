"""Signatures that mean the right thing in the wrong form, or nothing at all."""

import asyncio
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from gatepass import AsyncTokenManager, TokenManager, TokenPair, TokenPolicy
from gatepass.errors import TokenRevoked
from gatepass.jose import SharedKey
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from tests.attacks.target import KEY, REFUSED, Verify, claims, forged, header
from tests.cases import case
from tests.jose.forge import b64, parts, with_signature
from tests.jose.material import (
    ECDSA,
    EDDSA,
    OTHER_SECRET,
    RSA,
    raw_signer,
    rsa_key,
    signing_key,
)

ORDERS = {
    "ES256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "ES384": int(
        "ffffffffffffffffffffffffffffffffffffffffffffffff"
        "c7634d81f4372ddf581a0db248b0a77aecec196accc52973",
        16,
    ),
    "ES512": int(
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa"
        "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
        16,
    ),
}


def _token(algorithm: str) -> str:
    return forged(claims(), header(alg=algorithm), raw_signer(algorithm))


def _r_and_s(token: str) -> tuple[int, int, int]:
    signature = parts(token)[2]
    size = len(signature) // 2
    return int.from_bytes(signature[:size]), int.from_bytes(signature[size:]), size


def malleated(token: str, algorithm: str) -> str:
    """The same token under the other valid ECDSA signature, s → n − s."""
    r, s, size = _r_and_s(token)
    return with_signature(token, r.to_bytes(size) + (ORDERS[algorithm] - s).to_bytes(size))


@pytest.mark.parametrize("algorithm", ECDSA)
def test_s_to_n_minus_s_is_the_same_token_in_another_text(verify: Verify, algorithm: str) -> None:
    token = _token(algorithm)
    twin = malleated(token, algorithm)

    assert twin != token
    assert dict(verify(twin, signing_key(algorithm))) == dict(verify(token, signing_key(algorithm)))


def _managed(*, is_async: bool) -> Any:
    policy = TokenPolicy(issuer="api-server", audience="api-client")
    access, refresh = signing_key("ES256"), SharedKey.from_secret(OTHER_SECRET)
    if is_async:
        return AsyncTokenManager(
            policy, access_keys=access, refresh_keys=refresh, store=AsyncMemoryStore()
        )
    return TokenManager(policy, access_keys=access, refresh_keys=refresh, store=MemoryStore())


@pytest.mark.parametrize("by", ["token", "session", "subject", "log-out"])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_s_to_n_minus_s_after_revocation(by: str, *, is_async: bool) -> None:
    manager = _managed(is_async=is_async)

    async def run() -> None:
        async def call(answer: Any) -> Any:
            return await answer if is_async else answer

        pair: TokenPair = await call(manager.issue("alice"))
        twin = malleated(pair.access_token, "ES256")
        accepted = await call(manager.verify(twin))
        if by == "token":
            await call(manager.revoke_token(accepted))
        elif by == "session":
            await call(manager.revoke_session(pair.session_id))
        elif by == "subject":
            await call(manager.revoke_subject("alice"))
        else:
            await call(manager.log_out(access_token=twin))

        for text in (pair.access_token, twin):
            with pytest.raises(TokenRevoked):
                await call(manager.verify(text))

    asyncio.run(run())


@pytest.mark.parametrize("algorithm", ECDSA)
def test_ecdsa_signature_in_der(verify: Verify, algorithm: str) -> None:
    token = _token(algorithm)
    r, s, size = _r_and_s(token)
    der = encode_dss_signature(r, s)

    for signature in (der, der.ljust(2 * size, b"\0"), der[: 2 * size], der.rjust(2 * size, b"\0")):
        with pytest.raises(REFUSED):
            verify(with_signature(token, signature), signing_key(algorithm))


@pytest.mark.parametrize("algorithm", ECDSA)
def test_ecdsa_values_out_of_range(verify: Verify, algorithm: str) -> None:
    token = _token(algorithm)
    r, s, size = _r_and_s(token)
    order = ORDERS[algorithm]
    top = 256**size - 1
    values = [0, 1, order - 1, order, order + 1, top]
    pairs = [(a, b) for a in values for b in values]
    pairs += [(r, 0), (0, s), (r, order), (order, s), (s, r), (r, r), (r, top)]
    pairs += [(value + order, s) for value in (r,) if value + order <= top]
    pairs += [(r, value + order) for value in (s,) if value + order <= top]

    for a, b in pairs:
        with pytest.raises(REFUSED):
            verify(
                with_signature(token, a.to_bytes(size) + b.to_bytes(size)), signing_key(algorithm)
            )


@pytest.mark.parametrize("algorithm", ECDSA)
def test_ecdsa_values_of_another_width(verify: Verify, algorithm: str) -> None:
    token = _token(algorithm)
    r, s, size = _r_and_s(token)

    wide = [r.to_bytes(width) + s.to_bytes(width) for width in (size + 1, size + 2, 2 * size, 128)]
    for signature in (*wide, r.to_bytes(size), s.to_bytes(size), parts(token)[2] * 2):
        with pytest.raises(REFUSED):
            verify(with_signature(token, signature), signing_key(algorithm))


def test_rsa_signature_with_leading_or_trailing_zeros(verify: Verify) -> None:
    for algorithm in RSA:
        with case(algorithm):
            token = _token(algorithm)
            signature = parts(token)[2]

            for form in (
                b"\0" + signature,
                signature + b"\0",
                signature[1:],
                signature[:-1],
                signature * 2,
            ):
                with pytest.raises(REFUSED):
                    verify(with_signature(token, form), signing_key(algorithm))


def test_rsa_signature_that_lost_its_leading_zero(verify: Verify) -> None:
    for number in range(3000):
        token = forged(claims(jti=f"t{number}"), header(alg="RS256"), raw_signer("RS256"))
        signature = parts(token)[2]
        if signature[0] == 0:
            break
    else:
        pytest.fail("no signature began with zero")

    assert verify(token, signing_key("RS256")).subject == "alice"
    with pytest.raises(REFUSED):
        verify(with_signature(token, signature[1:]), signing_key("RS256"))


def test_rsa_numbers_that_sign_themselves(verify: Verify) -> None:
    modulus = rsa_key().public_key().public_numbers().n
    signature = int.from_bytes(parts(_token("RS256"))[2])

    for algorithm in RSA:
        for value in (0, 1, 2, modulus - 1, modulus, modulus + 1, 2**2048 - 1, modulus - signature):
            with pytest.raises(REFUSED):
                verify(
                    with_signature(_token(algorithm), value.to_bytes(256)), signing_key(algorithm)
                )


@pytest.mark.parametrize("named", ["RS256", "PS256"])
def test_rsa_padding_of_the_other_family(verify: Verify, named: str) -> None:
    schemes: list[padding.AsymmetricPadding] = [
        padding.PKCS1v15(),
        padding.PSS(padding.MGF1(hashes.SHA256()), 32),
    ]
    wrong = schemes[1] if named == "RS256" else schemes[0]

    with pytest.raises(REFUSED):
        verify(
            forged(
                claims(),
                header(alg=named),
                lambda data: rsa_key().sign(data, wrong, hashes.SHA256()),
            ),
            signing_key(named),
        )


@pytest.mark.parametrize("salt", [0, 20, 31, 33, padding.PSS.MAX_LENGTH])
def test_pss_salt_of_another_length(verify: Verify, salt: Any) -> None:
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), salt)

    with pytest.raises(REFUSED):
        verify(
            forged(
                claims(),
                header(alg="PS256"),
                lambda data: rsa_key().sign(data, scheme, hashes.SHA256()),
            ),
            signing_key("PS256"),
        )


def test_pss_mask_of_another_hash(verify: Verify) -> None:
    scheme = padding.PSS(padding.MGF1(hashes.SHA1()), 32)  # noqa: S303 - the attack

    with pytest.raises(REFUSED):
        verify(
            forged(
                claims(),
                header(alg="PS256"),
                lambda data: rsa_key().sign(data, scheme, hashes.SHA256()),
            ),
            signing_key("PS256"),
        )


@pytest.mark.parametrize("hash_", [hashes.SHA384(), hashes.SHA512(), hashes.SHA3_256()])
def test_hash_of_another_length(verify: Verify, hash_: hashes.HashAlgorithm) -> None:
    with pytest.raises(REFUSED):
        verify(
            forged(
                claims(),
                header(alg="RS256"),
                lambda data: rsa_key().sign(data, padding.PKCS1v15(), hash_),
            ),
            signing_key("RS256"),
        )


@pytest.mark.parametrize("algorithm", EDDSA)
def test_ed25519_signature_bent(verify: Verify, algorithm: str) -> None:
    token = _token(algorithm)
    signature = parts(token)[2]
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    order = 2**252 + 27742317777372353535851937790883648493
    forms = [
        r + (s + order).to_bytes(32, "little"),  # the malleability that RFC 8032 §5.1.7 closes
        r + (order - s).to_bytes(32, "little"),
        bytes(32) + signature[32:],
        r + bytes(32),
        bytes(64),
        b"\1" + bytes(63),
        signature + b"\0",
        signature[:63],
        signature[32:] + r,
    ]

    for form in forms:
        with pytest.raises(REFUSED):
            verify(with_signature(token, form), signing_key(algorithm))


def test_hmac_cut_short_or_stretched(verify: Verify) -> None:
    token = forged(claims())
    signature = parts(token)[2]

    for form in (signature[:16], signature[:31], signature + b"\0", signature * 2, signature[::-1]):
        with pytest.raises(REFUSED):
            verify(with_signature(token, form))
    with pytest.raises(REFUSED):
        verify(f"{token.rpartition('.')[0]}.{b64(signature.hex())}", KEY)


def test_every_changed_bit_of_a_signature(verify: Verify) -> None:
    for algorithm in ("HS256", "ES256", "EdDSA"):
        token = forged(claims()) if algorithm == "HS256" else _token(algorithm)
        key = KEY if algorithm == "HS256" else signing_key(algorithm)
        signature = parts(token)[2]
        for bit in range(len(signature) * 8):
            flipped = int.from_bytes(signature) ^ (1 << bit)
            with pytest.raises(REFUSED):
                verify(with_signature(token, flipped.to_bytes(len(signature))), key)
