"""Several issuers in one verifier: none of them, and nobody else, speaks for another."""

import asyncio
import json
from itertools import product
from typing import Any

import pytest

from gatepass import AsyncTokenVerifier, TokenVerifier
from gatepass.errors import TokenError, TokenInvalid
from gatepass.jose import KeySet
from gatepass.tokens import TrustedIssuer
from tests.attacks.target import NOW, REFUSED, claims, forged
from tests.cases import case
from tests.jose.forge import compact, hmac_signer, public_forms, signer
from tests.jose.material import private_key, public_jwk_of, signing_key

A, B = "https://a.example", "https://b.example"
KEYS = {A: private_key("ES256"), B: private_key("ES256", 1)}
SAME_NAME = "2026"
ISSUERS = [
    TrustedIssuer(
        issuer=name,
        keys=KeySet.from_jwks({"keys": [public_jwk_of(key) | {"kid": SAME_NAME}]}),
        audience="api-client",
        scopes=("scp",) if name == A else ("scope",),
    )
    for name, key in KEYS.items()
]


@pytest.fixture(params=[TokenVerifier, AsyncTokenVerifier])
def verify(request: pytest.FixtureRequest) -> Any:
    verifier = request.param.for_issuers(*ISSUERS, now=lambda: NOW)
    if request.param is TokenVerifier:
        return verifier.verify
    return lambda token: asyncio.run(verifier.verify(token))


def token(signed_by: str, payload: Any, **head: str) -> str:
    header = {"alg": "ES256", "typ": "at+jwt", "kid": SAME_NAME} | head
    return compact(header, payload, signer(KEYS[signed_by], "ES256"))


def test_honest_tokens_of_both_are_accepted(verify: Any) -> None:
    for name in (A, B, A):
        assert verify(token(name, claims(iss=name)))["iss"] == name


def test_a_token_of_one_issuer_signed_by_the_other(verify: Any) -> None:
    for named, signed in ((A, B), (B, A)):
        for kid in ({}, {"kid": signing_key("ES256").kid or ""}):
            with case(named, signed, kid), pytest.raises(TokenInvalid):
                verify(token(signed, claims(iss=named), **kid))


def test_a_header_of_one_issuer_is_not_known_to_the_other(verify: Any) -> None:
    assert verify(token(A, claims(iss=A)))

    with pytest.raises(TokenInvalid):
        verify(token(A, claims(iss=B)))


@pytest.mark.parametrize(
    "iss",
    [
        [A],
        [A, B],
        {A: B},
        {"0": A},
        None,
        True,
        5,
        "",
        A[:-1],
        f"{A}/",
        f"{A}.evil.example",
        f"{A}@evil.example",
        f"{A}#",
        f" {A}",
        f"{A}\0",
        A.upper(),
        "https://",
        f"{A} {B}",
        f"{A},{B}",
        "https://\uff41.example",
        "https://c.example",
    ],
)
def test_an_issuer_that_is_a_list_a_prefix_or_only_alike(verify: Any, iss: Any) -> None:
    for signed in (A, B):
        with pytest.raises(TokenInvalid, match="its iss is none of the issuers"):
            verify(token(signed, claims(iss=iss)))


def test_no_issuer(verify: Any) -> None:
    for signed in (A, B):
        with pytest.raises(TokenInvalid, match="its iss is missing"):
            verify(token(signed, claims(iss=...)))


def test_two_issuers_in_one_payload(verify: Any) -> None:
    """Of a name given twice the last counts, for choosing the keys as for checking the claim."""
    for first, last, signed in product((A, B), (A, B), (A, B)):
        members = json.dumps(claims(iss=first))[1:-1]
        text = f'{{{members}, "iss": "{last}"}}'.encode()
        with case(first, last, signed):
            if signed == last:
                assert verify(token(signed, text))["iss"] == last
            else:
                with pytest.raises(TokenInvalid):
                    verify(token(signed, text))


def test_an_issuer_in_the_header_does_not_choose(verify: Any) -> None:
    with pytest.raises(TokenInvalid):
        verify(token(B, claims(iss=A), iss=B))


def test_the_public_key_of_one_issuer_as_secret_for_the_other(verify: Any) -> None:
    for name, key in KEYS.items():
        for form in public_forms(key, public_jwk_of(key)).values():
            for iss in (A, B):
                head = {"alg": "HS256", "typ": "at+jwt", "kid": SAME_NAME}
                with case(name, iss), pytest.raises(REFUSED):
                    verify(forged(claims(iss=iss), head, hmac_signer(form)))


def test_the_scopes_of_one_issuer_are_not_read_as_the_other_writes_them(verify: Any) -> None:
    assert verify(token(A, claims(iss=A, scope="admin"))).scopes == frozenset()
    assert verify(token(B, claims(iss=B, scp="admin"))).scopes == frozenset()


def test_no_signature_and_no_algorithm(verify: Any) -> None:
    for alg in ("none", "None", ""):
        head = {"alg": alg, "typ": "at+jwt"}
        with pytest.raises(TokenError):
            verify(forged(claims(iss=A), head, lambda _: b""))
