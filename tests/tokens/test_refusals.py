"""Why a token was refused: what was wanted, and nothing of what the token says."""

from typing import Any

import pytest

from gatepass.errors import TokenInvalid, TokenMalformed
from gatepass.jose import SharedKey, SigningKey, inspect, sign, verify
from gatepass.tokens import TokenPair
from tests.tokens.test_verifier import GOOD, KEY, NOW, token, verifier

SECRET = "hunter-2-hunter-2"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": SECRET}, "its iss is not 'api-server'"),
        ({"iss": ...}, "it has no iss"),
        ({"aud": SECRET}, "its aud is not 'api-client'"),
        ({"aud": [SECRET]}, "its aud is not 'api-client'"),
        ({"aud": {"api-client": SECRET}}, "its aud is not 'api-client'"),
        ({"tenant": ...}, "it has no tenant"),
        ({"role": SECRET}, "its role is none of those allowed"),
        ({"nbf": NOW + 9}, "it is not valid yet (nbf)"),
        ({"aud": 5}, "its aud is not 'api-client'"),
        ({"aud": ["api-client", 5]}, "its aud is a list in which not all are texts"),
        ({"sub": 5}, "its sub is not a text"),
        ({"jti": [SECRET]}, "its jti is not a text"),
        ({"sid": None}, "its sid is not a text"),
        ({"exp": SECRET}, "its exp is not a number"),
        ({"iat": True}, "its iat is not a number"),
        ({"nbf": None}, "its nbf is not a number"),
    ],
)
def test_each_refused_claim_is_named_without_its_value(claims: dict[str, Any], why: str) -> None:
    strict = verifier(required_claims=["tenant"], allowed_values={"role": {"user"}})
    with pytest.raises(TokenInvalid) as refused:
        strict.verify(token(**{"tenant": "t", "role": "user"} | claims))

    assert str(refused.value).startswith(f"the token is invalid: {why}")
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (token("password-reset+jwt"), "its typ is not at+jwt"),
        (sign(GOOD, SharedKey.generate(), typ="at+jwt"), "no key that is accepted here signed it"),
        (
            sign(GOOD, SigningKey.generate("ES256"), typ="at+jwt"),
            "no key that is accepted here has its alg and kid",
        ),
    ],
)
def test_another_type_and_another_key_are_told(text: str, why: str) -> None:
    for _ in range(2):
        with pytest.raises(
            TokenInvalid, match=f"^the token is invalid: {why}$".replace("+", r"\+")
        ):
            verifier().verify(text)


PAIR = TokenPair(
    access_token=token(),
    refresh_token=token(),
    expires_in=1,
    refresh_expires_in=1,
    session_id="s",
)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (f"Bearer {token()}", ': give it without "Bearer" before it'),
        (f"bearer {SECRET}", ': give it without "Bearer" before it'),
        (f"{token()}\n", ": there are blanks, line ends or quotes around it"),
        (f'"{token()}"', ": there are blanks, line ends or quotes around it"),
        (PAIR, ": it is a text, and not TokenPair (write pair.access_token, or pair.refresh_to"),
        (PAIR.to_dict(), ": it is a text, and not dict"),
        (token().encode(), ": it is a text, and not bytes"),
        (f"{SECRET} {SECRET}", ": it has no dots: it is opaque, and not a JWT"),
        (SECRET, ": it has no dots: it is opaque, and not a JWT"),
        (".".join([SECRET] * 5), ": it has five parts, as an encrypted token (JWE) has"),
        (".".join([SECRET] * 4), ": it has 4 parts, and a JWT has three"),
        (f"{token()}==", ": it is padded with ="),
        (f"{token()}AA", ": a part of it is not canonical base64url, or not a JSON object"),
        (f"{token()}\u00e9", ": a part of it is not canonical base64url, or not a JSON object"),
        ("x" * 9000, ": it has 9000 characters, and at most 8192 are accepted"),
        pytest.param(
            sign(b"[]", KEY, typ="at+jwt"), ": its payload is not a JSON object", id="a list"
        ),
    ],
)
def test_what_is_given_in_place_of_a_token_is_told_without_its_text(given: Any, why: str) -> None:
    doors: list[Any] = [verifier().verify, lambda given: inspect(given).claims]
    if "payload" not in why:  # to `jose.verify` a payload is any bytes
        doors.append(lambda given: verify(given, KEY))
    for door in doors:
        with pytest.raises(TokenMalformed) as refused:
            door(given)

        assert str(refused.value).startswith(f"the token is malformed{why}")
        assert SECRET not in str(refused.value)
        assert not any(part in str(refused.value) for part in token().split("."))


def test_an_empty_text_is_told_where_it_counts_as_a_token() -> None:
    with pytest.raises(TokenMalformed, match="it is empty"):
        inspect("")


def test_the_limit_that_a_long_token_is_told_is_the_verifiers_own() -> None:
    with pytest.raises(TokenMalformed, match="at most 100 are accepted"):
        verifier(max_size=100).verify(token())
