"""Other spellings of a good token: each would step around a denylist of token texts."""

import base64
from typing import Any

import pytest

from gatepass.errors import TokenInvalid, TokenMalformed, TokenMissing
from gatepass.jose import KeySet, SharedKey, sign
from gatepass.jose import verify as verify_jws
from tests.attacks.target import KEY, REFUSED, SIGN, Verify, claims, forged
from tests.cases import case
from tests.jose.forge import b64, dumps, raw_compact, unb64
from tests.jose.material import OCTETS, raw_signer, signing_key

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
BLANKS = [" ", "\t", "\n", "\r\n", "\v", "\f", "\0", "\x85", "\xa0", "\u2003", "\u200b", "\ufeff"]
ALGORITHMS = ("HS256", "ES256", "RS256", "EdDSA")


def _good(algorithm: str) -> tuple[str, Any]:
    head = {"alg": algorithm, "typ": "at+jwt"}
    if algorithm == "HS256":
        return forged(claims(), head), KEY
    key = signing_key(algorithm).public()
    return forged(claims(), head, raw_signer(algorithm)), key


def _respelled(token: str) -> list[str]:
    """The token with trailing `=`, blanks, dots and quotes at every joint."""
    head, body, tail = token.split(".")
    joints = []
    for extra in ("=", "==", "===", ".", *BLANKS, '"', "'", ",", ";", "%", "#", "?a=b"):
        joints += [
            *(f"{extra}{token}", f"{token}{extra}", f"{head}{extra}.{body}.{tail}"),
            *(f"{head}.{extra}{body}.{tail}", f"{head}.{body}{extra}.{tail}"),
            *(f"{head}.{body}.{extra}{tail}", f"{head[:8]}{extra}{head[8:]}.{body}.{tail}"),
            f"{head}.{body[:8]}{extra}{body[8:]}.{tail}",
            f"{head}.{body}.{tail[:8]}{extra}{tail[8:]}",
        ]
    return joints


def test_trailing_equals_sign_blanks_and_dots(verify: Verify) -> None:
    for algorithm in ALGORITHMS:
        with case(algorithm):
            token, key = _good(algorithm)
            keys = KeySet(key)

            for first in (True, False):  # before and after the header is known
                for text in _respelled(token):
                    with pytest.raises(REFUSED):
                        verify(text, keys)
                if first:
                    assert verify(token, keys).subject == "alice"


def test_trailing_bits(verify: Verify) -> None:
    for algorithm in ALGORITHMS:
        with case(algorithm):
            token, key = _good(algorithm)
            keys = KeySet(key)
            tail = token.rpartition(".")[2]
            spare = len(tail) % 4
            assert spare  # so that the last character has bits that stand for nothing
            twins = [letter for letter in ALPHABET if unb64(tail[:-1] + letter) == unb64(tail)]
            assert len(twins) == {2: 16, 3: 4}[spare]

            for first in (True, False):
                for letter in twins:
                    if letter != tail[-1]:
                        with pytest.raises(REFUSED):
                            verify(token[:-1] + letter, keys)
                if first:
                    assert verify(token, keys).subject == "alice"


@pytest.mark.parametrize("segment", [0, 1])
def test_trailing_bits_of_signed_segments(verify: Verify, segment: int) -> None:
    """Signed as spelled: the key's own holder may not use a second spelling either."""
    for padding in (b"", b" ", b"  "):
        segments = [b64(dumps({"alg": "HS256", "typ": "at+jwt"})), b64(dumps(claims()))]
        whole = [dumps({"alg": "HS256", "typ": "at+jwt"}), dumps(claims())]
        segments[segment] = b64(whole[segment] + padding)
        text = segments[segment]
        twins = [
            text[:-1] + letter for letter in ALPHABET if unb64(text[:-1] + letter) == unb64(text)
        ]
        for twin in twins:
            segments[segment] = twin
            token = raw_compact(segments[0], segments[1], SIGN)
            if twin == text:
                assert verify(token).subject == "alice"
            else:
                with pytest.raises(REFUSED):
                    verify(token)


def test_standard_alphabet(verify: Verify) -> None:
    tokens = [forged(claims(jti=f"t{n}ÿ?>~")) for n in range(64)]
    tokens = [token for token in tokens if "-" in token and "_" in token]
    assert tokens

    for token in tokens:
        assert verify(token).subject == "alice"
        for text in (
            token.replace("-", "+"),
            token.replace("_", "/"),
            token.replace("-", "+").replace("_", "/"),
            token.replace("-", "%2D"),
            token.replace("_", "\u2017"),
        ):
            with pytest.raises(REFUSED):
                verify(text)


def test_standard_alphabet_with_an_honest_signature_over_it(verify: Verify) -> None:
    head = base64.b64encode(dumps({"alg": "HS256", "typ": "at+jwt"})).decode()
    body = base64.b64encode(dumps(claims(name="ÿÿÿ>>>???"))).decode()
    assert "=" in head + body or "/" in body or "+" in body

    with pytest.raises(REFUSED):
        verify(raw_compact(head, body, SIGN))


def test_look_alike_letters(verify: Verify) -> None:
    for look_alike in ["\uff41", "\u0435", "\u0131", "\u00e9", "\ud800", "\U0001d400"]:
        with case(look_alike):
            token = forged(claims())

            for at in (0, 10, token.index(".") + 3, len(token) - 1):
                with pytest.raises(REFUSED):
                    verify(token[:at] + look_alike + token[at + 1 :])
            with pytest.raises(REFUSED):
                verify(token.replace(".", "\uff0e"))
            with pytest.raises(REFUSED):
                verify(token.replace(".", "\u3002"))


def test_letters_of_another_case(verify: Verify) -> None:
    token = forged(claims())

    for text in (token.upper(), token.lower(), token.swapcase(), token.title(), token[::-1]):
        with pytest.raises(REFUSED):
            verify(text)


def test_scheme_left_before_the_token(verify: Verify) -> None:
    for prefix in ["Bearer ", "bearer ", "JWT ", "Bearer: ", "token=", "Basic "]:
        with case(prefix), pytest.raises(REFUSED):
            verify(prefix + forged(claims()))


def test_good_token_that_is_no_text(verify: Verify) -> None:
    token = forged(claims())
    octets = token.encode()

    for value in (octets, bytearray(octets), memoryview(octets), [token], (token,), {token}):
        with pytest.raises(TokenMalformed):
            verify(value)


def test_token_of_another_kind(verify: Verify) -> None:
    for value in [7, 1.5, True, object(), {"token": "a"}, {"a"}, b"a.b.c", [1], print]:
        with case(value), pytest.raises(TokenMalformed):
            verify(value)


def test_no_token(verify: Verify) -> None:
    for value in [None, ""]:
        with case(value), pytest.raises(TokenMissing):
            verify(value)


class Lying(str):
    """Text that is of no length, equals everything and splits into nothing."""

    __slots__ = ()

    def __len__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__

    def encode(self, *_: object) -> bytes:
        return forged(claims()).encode()

    def split(self, *_: object) -> list[str]:
        return []


def test_text_of_a_lying_class(verify: Verify) -> None:
    assert verify(Lying(forged(claims()))).subject == "alice"
    for text in ("x", "a.b.c", forged(claims(), sign=lambda _: bytes(32))):
        with pytest.raises(REFUSED):
            verify(Lying(text))


@pytest.mark.parametrize(
    "text",
    [
        *(".", "..", "...", "a", "a.b", "a.b.c", "a.b.c.d", "a.b.c.d.e", "....", " . . ", "=.=.="),
        "-._.-",
    ],
)
def test_wrong_number_of_segments(verify: Verify, text: str) -> None:
    with pytest.raises(REFUSED):
        verify(text)


def test_segments_of_two_tokens_mixed(verify: Verify) -> None:
    one, other = forged(claims()).split("."), forged(claims(sub="mallory")).split(".")

    for mixed in ((one[0], other[1], one[2]), (one[0], one[1], other[2]), (*one, other[2])):
        with pytest.raises(REFUSED):
            verify(".".join(mixed))
    with pytest.raises(REFUSED):
        verify(f"{'.'.join(one)}.{'.'.join(other)}")
    with pytest.raises(REFUSED):
        verify(f"{'.'.join(one)},{'.'.join(other)}")


def test_json_serialization(verify: Verify) -> None:
    head, body, tail = forged(claims()).split(".")

    for text in (
        f'{{"protected":"{head}","payload":"{body}","signature":"{tail}"}}',
        f'{{"payload":"{body}","signatures":[{{"protected":"{head}","signature":"{tail}"}}]}}',
        f'"{head}.{body}.{tail}"',
    ):
        with pytest.raises(REFUSED):
            verify(text)


@pytest.mark.parametrize("bits", ["256", "384", "512"])
def test_kind_of_error_tells_a_misspelled_hmac_signature_from_a_wrong_one(bits: str) -> None:
    key = SharedKey.from_bytes(OCTETS, f"HS{bits}")
    token = sign(b"{}", key)
    head, _, signature = token.rpartition(".")
    malformed = [f"{signature}=", f"{signature}==", f"{signature[:-1]}+", f"{signature[:-1]}!"]
    malformed += [f"{signature} ", f"{signature}A"[: len(signature) // 4 * 4 + 1]]
    if len(signature) % 4:  # another last character that stands for the same octets
        last = ALPHABET[ALPHABET.index(signature[-1]) + 1]
        malformed += [signature[:-1] + last]
        assert unb64(signature[:-1] + last) == unb64(signature)
    wrong = ["", b64(bytes(8)), b64(bytes(int(bits) // 8)), b64(unb64(signature)[:-1])]
    wrong += [b64(unb64(signature) + b"\0"), b64(unb64(signature)[::-1])]

    for keys in (KeySet(key), _which_knows(token, key)):
        for text in malformed:
            with pytest.raises(TokenMalformed):
                verify_jws(f"{head}.{text}", keys)
        for text in wrong:
            with pytest.raises(TokenInvalid):
                verify_jws(f"{head}.{text}", keys)
        assert verify_jws(token, keys).payload == b"{}"


def _which_knows(token: str, key: SharedKey) -> KeySet:
    """A set that has seen the token's header, and takes the short way."""
    keys = KeySet(key)
    verify_jws(token, keys)
    assert keys.prepared
    return keys
