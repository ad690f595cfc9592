"""Well signed tokens whose times are missing, of another kind, or over."""

import math
from typing import Any

import pytest

from gatepass.errors import TokenExpired, TokenInvalid, TokenMalformed
from tests.attacks.target import KEY, NOW, REFUSED, Verify, claims, claims_text, forged
from tests.cases import case

NOT_A_TIME: list[Any] = [
    *(..., None, "", "1900000000", str(NOW + 600), "never", True, False, [], [NOW + 600], {}),
    *({"$gt": 0}, "\uff11\uff19" + "\uff10" * 8),
]


def test_exp_missing_or_of_another_kind(verify: Verify) -> None:
    for expiry in NOT_A_TIME:
        with case(expiry), pytest.raises(TokenInvalid):
            verify(forged(claims(exp=expiry)))


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize(
    "number",
    [
        *("NaN", "Infinity", "-Infinity", "nan", "1e400", "-1e400", "1e99999", "0x7fffffff"),
        "1_900_000_000",
    ],
)
def test_time_that_is_no_finite_number(verify: Verify, name: str, number: str) -> None:
    with pytest.raises(TokenMalformed):
        verify(forged(claims_text(f'"{name}":{number}', name)))


@pytest.mark.parametrize("name", ["nbf", "iat"])
@pytest.mark.parametrize("value", NOT_A_TIME[1:], ids=ascii)
def test_nbf_or_iat_of_another_kind(verify: Verify, name: str, value: object) -> None:
    with pytest.raises(TokenInvalid):
        verify(forged(claims(**{name: value})))


@pytest.mark.parametrize("digits", [19, 20, 30, 308, 309, 310, 400, 4000, 4299])
@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_huge_whole_number_as_time(verify: Verify, name: str, digits: int) -> None:
    token = forged(claims_text(f'"{name}":{"9" * digits}', name))

    try:
        accepted = verify(token)
    except REFUSED:
        return
    assert name != "nbf"
    assert accepted[name] == 10**digits - 1


@pytest.mark.parametrize("digits", [4301, 5000, 6000])
@pytest.mark.parametrize("name", ["exp", "nbf", "iat", "jti", "x"])
def test_whole_number_too_long_to_read(verify: Verify, name: str, digits: int) -> None:
    with pytest.raises(TokenMalformed):
        verify(forged(claims_text(f'"{name}":{"9" * digits}', name)))


def test_exp_equal_to_now_or_earlier(verify: Verify) -> None:
    for expiry in [NOW, NOW - 1, NOW - 0.5, 0, -1, -0.0, 1e-300, -(10**30), 1.5]:
        with case(expiry):
            with pytest.raises(TokenExpired):
                verify(forged(claims(exp=expiry)))
            with pytest.raises(TokenExpired):
                verify(forged(claims(exp=expiry)), KEY, leeway=0)


def test_exp_is_good_until_the_very_moment(verify: Verify) -> None:
    token = forged(claims(exp=NOW + 1))

    assert verify(token, now=lambda: NOW + 0.999).expires_at == NOW + 1
    with pytest.raises(TokenExpired):
        verify(token, now=lambda: NOW + 1)
    with pytest.raises(TokenExpired):
        verify(token, now=lambda: NOW + 1.0)


def test_leeway_is_granted_to_exp_and_nbf_and_no_more(verify: Verify) -> None:
    expired, early = forged(claims(exp=NOW - 29)), forged(claims(nbf=NOW + 30))

    assert verify(expired, leeway=30).subject == "alice"
    assert verify(early, leeway=30).subject == "alice"
    with pytest.raises(TokenExpired):
        verify(forged(claims(exp=NOW - 30)), leeway=30)
    with pytest.raises(TokenInvalid):
        verify(forged(claims(nbf=NOW + 31)), leeway=30)
    with pytest.raises(TokenInvalid):
        verify(early)


def test_forgery_is_told_before_expiry(verify: Verify) -> None:
    """Nobody learns from `expired` that a guess was otherwise right."""
    for wrong in ({"iss": "x"}, {"aud": "x"}, {"sub": 7}, {"nbf": "x"}):
        with pytest.raises(TokenInvalid):
            verify(forged(claims(exp=NOW - 60, **wrong)))
    with pytest.raises(TokenInvalid):
        verify(forged(claims(exp=NOW - 60), sign=lambda _: bytes(32)))
    with pytest.raises(TokenInvalid):
        verify(forged(claims(exp=NOW - 60), {"alg": "HS256", "typ": "rt+jwt"}))


def test_clock_that_is_no_number_lets_nobody_in(verify: Verify) -> None:
    with pytest.raises(TokenExpired):
        verify(forged(claims()), now=lambda: math.nan)
    with pytest.raises(TokenInvalid):
        verify(forged(claims(exp=NOW, nbf=NOW)), now=lambda: -math.inf)
