"""What proves that a request with cookies was made by a page of ours."""

import pytest

from gatepass.errors import SettingsRejected
from gatepass.http import RequestRefused, csrf_token, require_csrf_token, require_origin
from gatepass.http.origins import parse_origins
from tests.http.conftest import Ask

KEY, PREVIOUS = b"k" * 32, b"p" * 32
OURS = frozenset({"https://app.example"})


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("Origin: ",),
        ("Origin: https://app.example.evil.example",),
        ("Origin: https://app.example:8443",),
        ("Origin: https://APP.example",),
        ("Origin: https://app.example", "Origin: https://app.example"),
        ("Sec-Fetch-Site: none",),
        ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: same-origin"),
        ("Host: app.example", "Referer: https://app.example/"),
    ],
)
def test_others_and_those_that_do_not_say_are_refused(ask: Ask, headers: tuple[str, ...]) -> None:
    with pytest.raises(RequestRefused) as refused:
        require_origin(ask("POST /", *headers), OURS)
    assert refused.value.problem.code == "csrf_failed"


def test_a_token_is_of_one_session_and_one_key() -> None:
    tokens = {csrf_token(key, sid) for key in (KEY, PREVIOUS) for sid in ("s1", "s2")}

    assert len(tokens) == 4
    assert {len(token) for token in tokens} == {43}


@pytest.mark.parametrize(
    ("headers", "session_id"),
    [
        ((), "s1"),
        ((f"X-CSRF-Token: {csrf_token(KEY, 's2')}",), "s1"),
        ((f"X-CSRF-Token: {csrf_token(b'o' * 32, 's1')}",), "s1"),
        ((f"X-CSRF-Token: {csrf_token(KEY, 's1')}=",), "s1"),
        ((f"X-CSRF-Token: {csrf_token(KEY, 's1')}",) * 2, "s1"),
        ((f"X-CSRF-Token: {csrf_token(KEY, 'None')}",), None),
        ((f"X-CSRF-Token: {csrf_token(KEY, '')}",), ""),
        (("X-CSRF-Token: é",), "s1"),
    ],
)
def test_anything_else_is_refused(
    ask: Ask, headers: tuple[str, ...], session_id: str | None
) -> None:
    with pytest.raises(RequestRefused) as refused:
        require_csrf_token(ask("POST /", *headers), (KEY, PREVIOUS), session_id)
    assert refused.value.problem.code == "csrf_failed"


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://App.Example", "https://app.example"),
        ("https://app.example:443", "https://app.example"),
        ("http://app.example:80", "http://app.example"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        (" https://[::1]:8443 ", "https://[::1]:8443"),
    ],
)
def test_origins_are_kept_as_browsers_write_them(written: str, origin: str) -> None:
    assert parse_origins("public_origins", [written]) == {origin}


@pytest.mark.parametrize(
    "written",
    [
        "*",
        "null",
        "",
        "app.example",
        "https://app.example/",
        "https://*.example",
        "ftp://a.example",
    ],
)
def test_what_is_no_origin_is_refused(written: str) -> None:
    with pytest.raises(SettingsRejected, match="allowed_origins"):
        parse_origins("allowed_origins", [written])


def test_one_text_is_no_collection_of_origins() -> None:
    with pytest.raises(SettingsRejected, match="not one text"):
        parse_origins("public_origins", "https://app.example")
