"""The `Authorization` header in, challenges out."""

import pytest

from gatepass.http import RequestRefused, parse_bearer
from gatepass.http.bearer import format_challenge


@pytest.mark.parametrize(
    "value",
    ["Bearer abc", "bearer abc", "BEARER abc", "  Bearer abc  ", "Bearer    abc", "Bearer abc\t"],
)
def test_the_scheme_is_read_in_any_case_and_blanks_around_it_do_not_count(value: str) -> None:
    assert parse_bearer([value]) == "abc"


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "bearer   ",
        "Basic dXNlcjpwYXNz",
        "Bearerabc",
        "Token abc",
        'Digest username="a", realm="bearers"',
    ],
)
def test_another_scheme_or_an_empty_value_is_no_token(value: str) -> None:
    assert parse_bearer([value]) is None


@pytest.mark.parametrize("value", ["a b", "é", "a=b=c", "..", '"a"'])
def test_text_that_cannot_be_a_token_is_left_to_the_verifier(value: str) -> None:
    assert parse_bearer([f"Bearer {value}"]) == value


@pytest.mark.parametrize(
    "values",
    [
        ["Bearer a", "Bearer a"],
        ["Bearer a", "Bearer b"],
        ["Basic a", "Bearer b"],
        ["", ""],
        ["Bearer a, Bearer b"],
        ["bearer a,bearer b"],
        ["Bearer a,"],
        ["Bearer a, Basic b"],
        ["Basic b, Bearer a"],
        ["Basic b,BEARER\ta"],
    ],
)
def test_two_headers_are_refused_whatever_they_hold_or_however_they_were_joined(
    values: list[str],
) -> None:
    with pytest.raises(RequestRefused) as refused:
        parse_bearer(values)

    assert refused.value.problem.code == "invalid_request"
    assert refused.value.challenge == "invalid_request"


def test_a_challenge_names_the_error_and_its_parameters() -> None:
    challenge = format_challenge("insufficient_scope", "Insufficient scope", {"scope": "a b"})

    assert challenge == (
        'Bearer error="insufficient_scope", error_description="Insufficient scope", scope="a b"'
    )
