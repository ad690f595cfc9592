"""Why a token was refused: what was wanted, and nothing of what the token says."""

from typing import Any

import pytest

from gatepass.errors import TokenInvalid, TokenMalformed
from gatepass.jose import SharedKey, SigningKey, sign
from gatepass.tokens import TokenPair
from tests.tokens.test_verifier import GOOD, NOW, token, verifier

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
        ({"sub": 5}, "one of aud, sub, exp, iat, nbf, jti and sid is not of its kind"),
        ({"aud": ["api-client", 5]}, "one of aud, sub, exp, iat, nbf, jti and sid is not of"),
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
        (SECRET, ""),
    ],
)
def test_what_is_given_in_place_of_a_token_is_told_without_its_text(given: Any, why: str) -> None:
    with pytest.raises(TokenMalformed) as refused:
        verifier().verify(given)

    assert str(refused.value).startswith(f"the token is malformed{why}")
    assert SECRET not in str(refused.value)
    assert not any(part in str(refused.value) for part in token().split("."))
