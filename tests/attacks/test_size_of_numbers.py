"""Numbers that take longer to read the longer they are."""

import pytest

from gatepass.errors import TokenMalformed
from gatepass.jose import SharedKey, sign, verify
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
