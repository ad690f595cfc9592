"""Texts made to cost time or memory; each must be refused at once."""

import time
from collections.abc import Iterator

import pytest

from gatepass.errors import GatepassError, TokenMalformed
from gatepass.jose import KeySet, SharedKey, SigningKey, VerificationKey, inspect, sign
from gatepass.jose import verify as verify_jws
from tests.attacks.target import KEY, REFUSED, SIGN, Verify, claims, claims_text, forged
from tests.budget import require_short
from tests.jose.forge import b64, compact, dumps
from tests.jose.material import public_jwk_of, rsa_key, signing_key

MILLION, FIVE_MB, DEEP, MANY = 1_000_000, 5_000_000, 100_000, 30_000
ROOM = 10 * FIVE_MB


@pytest.fixture(autouse=True)
def _at_once() -> Iterator[None]:
    """Seconds of this process's own work, far below what a quadratic parser takes."""
    began = time.process_time()
    yield
    require_short(time.process_time() - began, 5)


TEXTS = {
    "a million dots": "." * MILLION,
    "a million dots and letters": "a." * MILLION,
    "5 MB of letters": "A" * FIVE_MB,
    "5 MB of equals signs": "=" * FIVE_MB,
    "5 MB of blanks": " " * FIVE_MB,
    "5 MB of wide letters": "\U0001f512" * (FIVE_MB // 4),
    "5 MB of lone surrogates": "\ud800" * (FIVE_MB // 4),
    "5 MB in the header": f"{'A' * FIVE_MB}.e30.AA",
    "5 MB in the payload": f"e30.{'A' * FIVE_MB}.AA",
    "5 MB in the signature": f"e30.e30.{'A' * FIVE_MB}",
    "5 MB of empty lines": "\n" * FIVE_MB,
    "5 MB of NUL": "\0" * FIVE_MB,
}


@pytest.mark.parametrize("name", TEXTS)
def test_million_dots_and_five_megabytes(verify: Verify, name: str) -> None:
    with pytest.raises(TokenMalformed):
        verify(TEXTS[name])
    with pytest.raises(REFUSED):  # also where somebody raised the limit
        verify(TEXTS[name], max_size=ROOM)
    with pytest.raises(TokenMalformed):
        inspect(TEXTS[name])


NESTED = {
    "lists": b"[" * DEEP + b"]" * DEEP,
    "objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "open lists": b"[" * DEEP,
    "open objects": b'{"a":' * DEEP,
    "lists in objects": b'[{"a":' * DEEP,
    "one object too many": b"{" * DEEP,
}


@pytest.mark.parametrize("name", NESTED)
def test_payload_nested_100000_deep(verify: Verify, name: str) -> None:
    for payload in (NESTED[name], claims_text(b'"x":' + NESTED[name])):
        with pytest.raises(TokenMalformed):
            verify(forged(payload), max_size=ROOM)
        with pytest.raises(TokenMalformed):
            verify(forged(payload))
        with pytest.raises(TokenMalformed):
            _ = inspect(forged(payload), max_size=ROOM).claims


@pytest.mark.parametrize("name", NESTED)
def test_header_nested_100000_deep(verify: Verify, name: str) -> None:
    nested = NESTED[name]

    for head in (nested, b'{"alg":"HS256","typ":"at+jwt","x":' + nested + b"}"):
        token = compact(head, dumps(claims()), SIGN)
        with pytest.raises(TokenMalformed):
            verify(token, max_size=ROOM)
        with pytest.raises(TokenMalformed):
            inspect(token, max_size=ROOM)


@pytest.mark.parametrize("depth", [10, 100, 500, 900, 1000, 1100, 2000, 3000])
def test_nesting_that_fits_the_size_is_read_or_refused(verify: Verify, depth: int) -> None:
    token = forged(claims_text(b'"x":' + b"[" * depth + b"]" * depth))

    try:
        assert verify(token).subject == "alice"
    except TokenMalformed:
        assert depth > 500


def test_deep_claim_that_was_read_can_be_taken_out(verify: Verify) -> None:
    for depth in (100, 300, 500, 700, 900):
        try:
            accepted = verify(forged(claims_text(b'"x":' + b"[" * depth + b"]" * depth)))
            value = accepted["x"]
        except GatepassError:
            assert depth > 300
        else:
            assert isinstance(value, list)


def test_many_claims_and_many_header_members(verify: Verify) -> None:
    many = ",".join(f'"c{n}":{n}' for n in range(MANY))
    twice = ",".join(['"a":1'] * MANY)

    assert verify(forged(claims_text(many)), max_size=ROOM)[f"c{MANY - 1}"] == MANY - 1
    assert verify(forged(claims_text(twice)), max_size=ROOM)["a"] == 1
    token = compact('{"alg":"HS256","typ":"at+jwt",' + many + "}", dumps(claims()), SIGN)
    assert verify(token, max_size=ROOM).subject == "alice"
    token = compact('{"alg":"HS256","typ":"at+jwt",' + twice + "}", dumps(claims()), SIGN)
    with pytest.raises(TokenMalformed):
        verify(token, max_size=ROOM)


@pytest.mark.parametrize("digit", ["9", "-9", "1e", "-1e"])
def test_numbers_of_a_million_digits(verify: Verify, digit: str) -> None:
    with pytest.raises(TokenMalformed):
        verify(forged(claims_text(f'"x":{digit + "9" * MILLION}')), max_size=ROOM)


@pytest.mark.parametrize("number", ["0." + "9" * MILLION, "9e-" + "9" * MILLION])
def test_long_numbers_that_are_small(verify: Verify, number: str) -> None:
    assert 0 <= verify(forged(claims_text(f'"x":{number}')), max_size=ROOM)["x"] <= 1


def test_escapes_of_a_million_letters(verify: Verify) -> None:
    for escape in ("\\u0000", "\\ud83d\\udd12", "\\\\", '\\"', "\\n"):
        token = forged(claims_text('"x":"' + escape * (MILLION // 4) + '"'))

        assert verify(token, max_size=ROOM).subject == "alice"


def test_size_limit_counts_before_anything_is_read(verify: Verify) -> None:
    token = forged(claims(x="y" * 20_000))
    assert verify(token, max_size=ROOM).subject == "alice"
    token = forged(claims(x="y" * 5_000))
    assert verify(token).subject == "alice"

    with pytest.raises(TokenMalformed):
        verify(forged(claims(x="y" * 7_000)))


def test_signature_of_a_megabyte(verify: Verify) -> None:
    for algorithm in ("HS256", "RS256", "ES256", "EdDSA"):
        key = KEY if algorithm == "HS256" else signing_key(algorithm)
        head = {"alg": algorithm, "typ": "at+jwt"}
        with pytest.raises(REFUSED):
            verify(forged(claims(), head, lambda _: b"\1" * MILLION), key, max_size=ROOM)


def test_key_material_made_to_cost(verify: Verify) -> None:
    """Nobody's keys come from an attacker, yet a JWKS comes over the network."""
    rsa = public_jwk_of(rsa_key()) | {"alg": "RS256"}
    for jwk in (
        {**rsa, "n": b64(b"\xc1" * MILLION)},
        {**rsa, "n": b64(b"\xc1" * 1024), "e": b64(b"\xc1" * 1024)},
        {**rsa, "e": b64(b"\xff" * 200_000)},
        {**rsa, "d": b64(b"\3" * 255)},
        {**rsa, "n": b64(b"\xff" * 1024), "d": b64(b"\xfe" * 1023)},
        {**rsa, "kid": "k" * MILLION},
    ):
        for make in (VerificationKey.from_jwk, SigningKey.from_jwk, SharedKey.from_jwk):
            with pytest.raises(GatepassError):
                make(jwk)
    unusable = [{"kty": "EC", "alg": "ES256", "x": "AA", "y": "AA", "crv": "P-256"}] * 20_000
    with pytest.raises(GatepassError):
        KeySet.from_jwks({"keys": unusable})
    assert verify(forged(claims()), KEY).subject == "alice"


def test_a_header_or_payload_of_one_huge_number_is_not_parsed(verify: Verify) -> None:
    _, payload, signature = sign({"sub": "alice"}, KEY).split(".")
    head = b64(b'{"alg":"HS256","n":' + b"9" * 4000 + b"}")
    with pytest.raises(TokenMalformed):
        verify_jws(f"{head}.{payload}.{signature}", KEY)
    short = compact('{"alg":"HS256","n":[1,-2.5]}', b"{}", SIGN)
    assert verify_jws(short, KEY).header["n"] == [1, -2.5]

    for text in (b'{"n":%s}', b'{"n":[{"m":-%s}]}', b"[%s]", b"%s"):
        token = sign(text % (b"9" * 3000), KEY, typ="at+jwt")
        with pytest.raises(TokenMalformed):
            verify(token)
        with pytest.raises(TokenMalformed):
            inspect(token).claims  # noqa: B018 - reading is the attempt


def test_many_digits_in_a_text_are_no_number(verify: Verify) -> None:
    values: list[object] = ["9" * 3000, 1.5, [1, "0" * 2000], 10**300]
    for value in values:
        token = forged(claims(pad=" " * 1100, n=value))

        assert verify(token)["n"] == value
        assert inspect(token).claims["n"] == value
