"""What a header may ask for: keys it brings along, extensions, names that are commands."""

import json
import sys
from typing import Any

import pytest

from gatepass.jose import KeySet, SharedKey
from tests.attacks.target import KEY, REFUSED, SIGN, Verify, claims, forged, header
from tests.cases import case
from tests.jose.forge import b64, compact, dumps, hmac_signer, public_forms, signer
from tests.jose.material import (
    OCTETS,
    SECRET,
    private_jwk_of,
    private_key,
    public_jwk_of,
    raw_signer,
    signing_key,
)

ATTACKERS = private_key("ES256", 7)
DEEP = '{"alg":"HS256","typ":"at+jwt","x":' + "[" * 2500 + "]" * 2500 + "}"
"""Deeper than Python's parser goes; since Python 3.13 it goes as deep as a token is long."""
BROUGHT = {
    "jwk": public_jwk_of(ATTACKERS),
    "private jwk": private_jwk_of(ATTACKERS),
    "jku": "https://attacker.example/jwks.json",
    "x5u": "https://attacker.example/chain.pem",
    "x5c": [b64(public_forms(ATTACKERS, public_jwk_of(ATTACKERS))["DER"])],
    "x5t": "AAAA",
    "x5t#S256": "AAAA",
    "keys": [public_jwk_of(ATTACKERS)],
    "jwks": {"keys": [public_jwk_of(ATTACKERS)]},
}


@pytest.mark.parametrize("name", BROUGHT)
def test_key_that_the_token_brings_along(verify: Verify, name: str) -> None:
    member = {name.removeprefix("private "): BROUGHT[name]}
    key = signing_key("ES256").public()
    sign = signer(ATTACKERS, "ES256")

    for kid in (..., key.kid, "attackers"):
        with pytest.raises(REFUSED):
            verify(forged(claims(), header(alg="ES256", kid=kid, **member), sign), key)


def test_brought_along_secret(verify: Verify) -> None:
    jwk = {"kty": "oct", "alg": "HS256", "k": b64(OCTETS)}

    with pytest.raises(REFUSED):
        verify(forged(claims(), header(jwk=jwk), hmac_signer(OCTETS)))


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
def test_key_reference_in_an_honest_token_is_never_followed(verify: Verify, name: str) -> None:
    """The signature is ours, so the token holds; what it refers to does not matter."""
    try:
        accepted = verify(forged(claims(), header(**{name: BROUGHT[name]})))
    except REFUSED:
        return
    assert accepted.subject == "alice"


def test_crit(verify: Verify) -> None:
    values: list[object] = [["exp"], ["b64"], [], ["typ"], "exp", None, {}, 1, [1], ["exp", "exp"]]
    for value in values:
        with case(value):
            with pytest.raises(REFUSED):
                verify(forged(claims(), header(crit=value)))
            with pytest.raises(REFUSED):
                verify(forged(claims(), header(crit=value, exp=1, b64=True)))


def test_b64(verify: Verify) -> None:
    for value in [False, True, None, "false", 0]:
        with case(value):
            payload = dumps(claims())
            head = header(b64=value)
            signing_input = f"{b64(dumps(head))}.".encode() + payload

            with pytest.raises(REFUSED):
                verify(forged(claims(), head))
            with pytest.raises(REFUSED):
                verify((signing_input + b"." + b64(SIGN(signing_input)).encode()).decode())


def test_zip(verify: Verify) -> None:
    for value in ["DEF", "", None, "GZIP", True]:
        with case(value), pytest.raises(REFUSED):
            verify(forged(claims(), header(zip=value)))


KIDS: list[Any] = [
    *("../../../../../../dev/null", "/dev/null", "/proc/self/environ", "file:///etc/passwd"),
    *("C:\\Windows\\win.ini", "x' UNION SELECT 'secret", "'; DROP TABLE keys; --", "1 OR 1=1"),
    *("$(touch /tmp/x)", "| cat /etc/passwd", "{{7*7}}", "%00", "\0", "", " ", "*", "__class__"),
    *("https://attacker.example/key", "é" * 200, "k" * 3000),
]


def test_kid_with_a_path_or_sql(verify: Verify) -> None:
    for kid in KIDS:
        with case(kid):
            sign_with_nothing = hmac_signer(b"")

            for sign in (SIGN, sign_with_nothing):
                with pytest.raises(REFUSED):
                    verify(forged(claims(), header(kid=kid), sign))
            with pytest.raises(REFUSED):
                verify(
                    forged(claims(), header(alg="ES256", kid=kid), raw_signer("ES256")),
                    KeySet(signing_key("ES256").public()),
                )


def test_kid_that_is_no_text(verify: Verify) -> None:
    for kid in [None, 0, 1, True, [], ["a"], {}, {"a": 1}, 1.5]:
        with case(kid), pytest.raises(REFUSED):
            verify(forged(claims(), header(kid=kid)))


def test_duplicate_header_names(verify: Verify) -> None:
    for name in ["alg", "typ", "kid", "x"]:
        with case(name):
            key = SharedKey.from_jwk({"kty": "oct", "alg": "HS256", "kid": "a", "k": b64(SECRET)})
            members = ['"alg":"HS256"', '"typ":"at+jwt"', '"kid":"a"', '"x":1']
            honest = "{" + ",".join(members) + "}"
            twice = [member for member in members if member.startswith(f'"{name}"')]
            other = f'"{name}":"none"'
            escaped = twice[0].replace(f'"{name}"', f'"\\u{ord(name[0]):04x}{name[1:]}"')

            assert verify(compact(honest, dumps(claims()), SIGN), key).subject == "alice"
            for extra in (twice[0], other, escaped):
                for text in (",".join([*members, extra]), ",".join([extra, *members])):
                    with pytest.raises(REFUSED):
                        verify(compact("{" + text + "}", dumps(claims()), SIGN), key)


def test_header_that_is_not_one_strict_object(verify: Verify) -> None:
    for text in [
        "null",
        "true",
        "7",
        '"HS256"',
        "[]",
        '["alg","HS256"]',
        "",
        " ",
        "{}",
        "{",
        '{"alg":"HS256","typ":"at+jwt"}x',
        '{"alg":"HS256","typ":"at+jwt"}{}',
        '\ufeff{"alg":"HS256","typ":"at+jwt"}',
        '{"alg":"HS256","typ":"at+jwt",}',
        "{'alg':'HS256','typ':'at+jwt'}",
        '{"alg":"HS256","typ":"at+jwt","x":NaN}',
        '{"alg":"HS256","typ":"at+jwt","x":-Infinity}',
        '{"alg":"HS256","typ":"at+jwt","x":"\ud800"}',
        '{"alg":"HS256","typ":"at+jwt","x":"\\ud800"}',
        '{"alg":"HS256","typ":"at+jwt","\\udfff":1}',
        '{"alg":"HS256","typ":"at+jwt","x":"\x01"}',
        '{"alg":"HS256","typ":"at+jwt"}\0',
        '{"alg":"HS256","typ":"at+jwt",/**/"x":1}',
        '{"alg":"HS256","typ":"at+jwt","x":' + "9" * 5000 + "}",
        *([DEEP] if sys.version_info < (3, 13) else []),
    ]:
        with case(text), pytest.raises(REFUSED):
            verify(compact(text, dumps(claims()), SIGN))


def test_header_in_another_encoding(verify: Verify) -> None:
    text = json.dumps(dict(header()))

    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "cp037"):
        with pytest.raises(REFUSED):
            verify(compact(text.encode(encoding), dumps(claims()), SIGN))
    for octets in (b'{"alg":"HS256","typ":"at+jwt","x":"\xc0\xaf"}', b'{"alg":"HS256\xff"}'):
        with pytest.raises(REFUSED):
            verify(compact(octets, dumps(claims()), SIGN))


TYPS: list[Any] = [
    *(..., None, "", "JWT", "jwt", "rt+jwt", "at+jwt ", " at+jwt", "at+jwt\0", "at-jwt", "at"),
    *("application/rt+jwt", "application/application/at+jwt", "text/at+jwt", "\u0430t+jwt"),
    *("\uff41t+jwt", "password-reset+jwt", ["at+jwt"], {"at+jwt": 1}, 1),
]


def test_token_of_another_type(verify: Verify) -> None:
    for typ in TYPS:
        with case(typ), pytest.raises(REFUSED):
            verify(forged(claims(), header(typ=typ)))


def test_type_is_compared_without_case_and_prefix(verify: Verify) -> None:
    for typ in ["at+jwt", "AT+JWT", "At+Jwt", "application/at+jwt", "Application/AT+jwt"]:
        with case(typ):
            assert verify(forged(claims(), header(typ=typ)), KEY).subject == "alice"


def test_typed_token_where_untyped_ones_are_expected(verify: Verify) -> None:
    for typ in ["at+jwt", "rt+jwt", "RT+JWT", "application/rt+jwt", "secevent+jwt"]:
        with case(typ):
            for good in (..., "JWT", "jwt", "application/jwt"):
                assert verify(forged(claims(), header(typ=good)), typ=None).subject == "alice"
            with pytest.raises(REFUSED):
                verify(forged(claims(), header(typ=typ)), typ=None)
