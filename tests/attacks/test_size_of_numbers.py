"""Numbers that take longer to read the longer they are."""

import pytest

from gatepass import TokenVerifier
from gatepass.errors import TokenMalformed
from gatepass.jose import SharedKey, inspect, sign, verify
from gatepass.jose._base64url import encode

KEY = SharedKey.generate()


def test_a_header_of_one_huge_number_is_not_parsed() -> None:
    _, payload, signature = sign({"sub": "alice"}, KEY).split(".")
    head = encode(b'{"alg":"HS256","n":' + b"9" * 4000 + b"}").decode()

    with pytest.raises(TokenMalformed):
        verify(f"{head}.{payload}.{signature}", KEY)


def test_a_header_of_short_numbers_is_fine() -> None:
    signing_input = encode(b'{"alg":"HS256","n":[1,-2.5]}') + b"." + encode(b"{}")
    token = (signing_input + b"." + KEY.sign(signing_input)).decode()

    assert verify(token, KEY).header["n"] == [1, -2.5]


@pytest.mark.parametrize("payload", [b'{"n":%s}', b'{"n":[{"m":-%s}]}', b"[%s]", b"%s"])
def test_a_payload_of_one_huge_number_is_not_parsed(payload: bytes) -> None:
    token = sign(payload % (b"9" * 3000), KEY, typ="at+jwt")

    with pytest.raises(TokenMalformed):
        TokenVerifier(KEY, issuer="a", audience="b").verify(token)
    with pytest.raises(TokenMalformed):
        inspect(token).claims  # noqa: B018 - reading is the attempt


@pytest.mark.parametrize("value", ["9" * 3000, 1.5, [1, "0" * 2000], 10**300])
def test_many_digits_in_a_text_are_no_number(value: object) -> None:
    claims = {"iss": "a", "aud": "b", "sub": "c", "exp": 2**40, "pad": " " * 1100, "n": value}
    token = sign(claims, KEY, typ="at+jwt")

    assert TokenVerifier(KEY, issuer="a", audience="b").verify(token)["n"] == value
    assert inspect(token).claims["n"] == value
