"""Claims as headers: their form, their size, and headers that a client sends itself."""

from typing import Any
from urllib.parse import unquote

import pytest

from gatepass.errors import SettingsRejected
from gatepass.http import RequestRefused
from gatepass.http.claim_headers import (
    MAX_HEADERS,
    claim_headers,
    encode_claim,
    require_claim_headers,
    require_no_pretended,
    require_small,
)
from tests.http.asking import MAKERS

OURS = ("X-Auth-Subject", "X-Auth-Role")


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("ada", "ada"),
        ("a b,c;d", "a%20b%2Cc%3Bd"),
        ("a\r\nX-Auth-Role: admin", "a%0D%0AX-Auth-Role%3A%20admin"),
        ("zoë", "zo%C3%AB"),
        ("\ud800", "%ED%A0%80"),
        (["a", "b,c"], "a,b%2Cc"),
        ([["a"], 1, True], "%5B%22a%22%5D,1,true"),
        ({"id": 1}, "%7B%22id%22%3A1%7D"),
        (7, "7"),
        (True, "true"),
        ("", ""),
        ([], ""),
        (None, ""),
    ],
)
def test_a_claim_is_percent_encoded(claim: Any, text: str) -> None:
    assert encode_claim(claim) == text
    if isinstance(claim, str):
        assert unquote(text, errors="surrogatepass") == claim


def test_every_header_is_there_even_without_its_claim() -> None:
    named = require_claim_headers({"X-Auth-Role": "role", "X-Auth-Team": "team"})

    assert claim_headers({"sub": "ada", "role": "admin"}, named) == (
        ("X-Auth-Subject", "ada"),
        ("X-Auth-Role", "admin"),
        ("X-Auth-Team", ""),
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Set-Cookie": "role"},
        {"X-Accel-Redirect": "role"},
        {"X-Auth_Role": "role"},
        {"X-Auth-": "role"},
        {"X-Auth-Rôle": "role"},
        {"X-Auth-Role\r\n": "role"},
        {"X-Auth-Role": ""},
        {"X-Auth-Role": "role", "x-auth-role": "role"},
        {"X-Auth-Role": "role", "X-Auth-ROLE": "team"},
        {"X-Auth-Subject": "username"},
        {1: "role"},
        {"X-Auth-Role": 1},
        ["X-Auth-Role"],
        None,
    ],
)
def test_other_names_are_rejected(headers: Any) -> None:
    with pytest.raises(SettingsRejected):
        require_claim_headers(headers)


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize(
    "name",
    [
        "X-Auth-Subject",
        "x-auth-role",
        "X_Auth_Subject",
        "X-Auth_Role",
        "x_AUTH-role",
        "X.Auth.Role",
        "X~Auth-Role",
    ],
)
def test_every_spelling_is_rejected(name: str, maker: str) -> None:
    for value in ("ada", ""):
        with pytest.raises(RequestRefused) as refused:
            require_no_pretended(MAKERS[maker]("GET /", "Host: a", f"{name}: {value}"), OURS)
        assert refused.value.problem.status == 400


@pytest.mark.parametrize("maker", MAKERS)
def test_other_headers_pass(maker: str) -> None:
    for name in ("X-Auth", "X-Auth-Roles", "Auth-Role", "X-AuthRole"):
        require_no_pretended(MAKERS[maker]("GET /", f"{name}: ada"), OURS)


def test_headers_have_a_limit_together() -> None:
    rest = MAX_HEADERS - len("X-Auth-Role: \r\n")
    require_small((("X-Auth-Role", "x" * rest),))

    with pytest.raises(RequestRefused) as refused:
        require_small((("X-Auth-Role", "x" * (rest + 1)),))
    assert refused.value.problem.status == 500
