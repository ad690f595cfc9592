"""What is read from a request's body and headers, and what is refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.http import (
    MAX_BODY,
    Credentials,
    NewPassword,
    RequestRefused,
    parse_credentials,
    parse_device,
    parse_new_password,
    parse_refresh_token,
)
from gatepass.http.problems import INVALID_REQUEST

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON, b'{"username":"ada","password":"s3cret"}'),
        ("application/json; charset=utf-8", b' {"password": "s3cret", "username": "ada"} '),
        ("Application/JSON", b'{"username":"ada","password":"s3cret","remember":true}'),
        (FORM, b"username=ada&password=s3cret"),
        (FORM + ";charset=UTF-8", b"grant_type=password&username=ada&password=s3cret&scope="),
        (FORM, b"username=%61da&password=s3cret&client_id=&client_secret="),
    ],
)
def test_credentials_come_as_json_or_as_the_password_form(content_type: str, body: bytes) -> None:
    found = parse_credentials(content_type, body)

    assert found == Credentials("ada", "s3cret", is_form=content_type.startswith(FORM))


def test_what_was_typed_is_taken_as_it_is() -> None:
    body = '{"username":" Zoë ","password":" p\\u0000ß\\" "}'.encode()

    assert parse_credentials(JSON, body) == Credentials(" Zoë ", ' p\0ß" ')


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON, b"null"),
        (JSON, b'"username"'),
        (JSON, b"{}"),
        (JSON, b'{"password":"s3cret"}'),
        (JSON, b'{"username":"ada","password":""}'),
        (JSON, b'{"username":"ada","password":null}'),
        (JSON, b'{"username":["ada"],"password":"s3cret"}'),
        (JSON, b'{"username":"ada","password":"s3cret","password":"other"}'),
        (JSON, b'{"username":"ada","password":"s3cret","x":{"a":1,"a":2}}'),
        (JSON, b'{"username":"ada","password":"s3cret","x":NaN}'),
        (JSON, b'{"username":"ada","password":"s3cret"} x'),
        (JSON, b'{"username":"ada","password":"\\ud800"}'),
        (JSON, b'{"username":"ada","password":"\xff"}'),
        (JSON, b'\xef\xbb\xbf{"username":"ada","password":"s3cret"}'),
        (JSON, b'{"x":' + b"[" * 60_000),
        (JSON, b'{"x":' + b"9" * 60_000 + b"}"),
        (JSON, b'{"username":"ada","password":"s3cret"}' + b" " * MAX_BODY),
        (JSON, b'{"username":"' + "é".encode() * 513 + b'","password":"s3cret"}'),
        (None, b'{"username":"ada","password":"s3cret"}'),
        ("multipart/form-data; boundary=x", b"--x--"),
        (FORM, b""),
        (FORM, b"username=ada"),
        (FORM, b"username=ada&password="),
        (FORM, b"username=ada&password=s3cret&password=other"),
        (FORM, b"username=ada&password=s3cret&noise"),
        (FORM, b"username=ada&password=%ff"),
        (FORM, b"username=ada&password=\xff"),
        (FORM, b'{"username":"ada","password":"s3cret"}'),
        (FORM, b"username=ada&password=s3cret" + b"&a=b" * 40),
        (FORM, b"username=ada&password=s3cret&a=" + b"b" * MAX_BODY),
    ],
)
def test_anything_else_is_an_invalid_request(content_type: str | None, body: bytes) -> None:
    with pytest.raises(RequestRefused) as refused:
        parse_credentials(content_type, body)

    assert refused.value.problem.code == "invalid_request"
    assert refused.value.__context__ is None, "a decoder's error quotes the body"


def test_the_longest_credentials_are_1024_bytes() -> None:
    body = b'{"username":"' + b"u" * 1024 + b'","password":"' + b"p" * 1024 + b'"}'

    assert parse_credentials(JSON, body) == Credentials("u" * 1024, "p" * 1024)


@given(content_type=st.sampled_from([JSON, FORM]), body=st.binary(max_size=200))
def test_no_body_raises_anything_but_a_refusal(content_type: str, body: bytes) -> None:
    for parse in (parse_credentials, parse_refresh_token):
        with contextlib.suppress(RequestRefused):
            parse(content_type, body)


def test_a_refresh_token_comes_as_json() -> None:
    assert parse_refresh_token(JSON, b'{"refresh_token":"a.b.c"}') == "a.b.c"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (None, b""),
        (JSON, b""),
        (FORM, b""),
        (JSON, b"{}"),
        (JSON, b'{"refresh_token":""}'),
        (JSON, b'{"refresh_token":null}'),
        (JSON, b'{"token":"a.b.c"}'),
    ],
)
def test_an_absent_or_empty_refresh_token_is_none(content_type: str | None, body: bytes) -> None:
    assert parse_refresh_token(content_type, body) is None


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON, b'{"refresh_token":1}'),
        (JSON, b'{"refresh_token":["a.b.c"]}'),
        (JSON, b'{"refresh_token":"a.b.c","refresh_token":"d.e.f"}'),
        (JSON, b'"a.b.c"'),
        (JSON, b"a.b.c"),
        (FORM, b"refresh_token=a.b.c"),
        (None, b'{"refresh_token":"a.b.c"}'),
    ],
)
def test_a_refresh_token_in_another_form_is_an_invalid_request(
    content_type: str | None, body: bytes
) -> None:
    with pytest.raises(RequestRefused) as refused:
        parse_refresh_token(content_type, body)

    assert refused.value.problem.code == "invalid_request"


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (None, None),
        ("", None),
        (" \t ", None),
        ("curl/8.5.0", "curl/8.5.0"),
        ("a\x00b\x1b[31mc\r\nd", "ab[31mcd"),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_device_is_the_user_agent_made_harmless(
    user_agent: str | None, device: str | None
) -> None:
    assert parse_device(user_agent) == device


def test_credentials_do_not_show_the_password() -> None:
    assert "s3cret" not in repr(Credentials("ada", "s3cret"))


def test_a_new_password_comes_with_the_current_one_as_they_were_typed() -> None:
    body = b' {"new_password": " n\\u0000\\u00df ", "current_password": "s3cret", "more": 1} '
    found = parse_new_password(JSON, body)

    assert found == NewPassword("s3cret", " n\0ß ")
    assert "s3cret" not in repr(found)
    assert "ß" not in repr(found)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON, b""),
        (JSON, b"null"),
        (JSON, b"[]"),
        (JSON, b'{"new_password":"s3cret"}'),
        (JSON, b'{"current_password":"s3cret"}'),
        (JSON, b'{"current_password":"s3cret","new_password":""}'),
        (JSON, b'{"current_password":"","new_password":"s3cret"}'),
        (JSON, b'{"current_password":"s3cret","new_password":null}'),
        (JSON, b'{"current_password":"s3cret","new_password":["s3cret"]}'),
        (JSON, b'{"current_password":"s3cret","new_password":"a","new_password":"b"}'),
        (JSON, b'{"current_password":"s3cret","new_password":"\\ud800"}'),
        (JSON, b'{"current_password":"s3cret","new_password":"' + b"p" * 1025 + b'"}'),
        (JSON, b'{"current_password":"' + b"p" * 1025 + b'","new_password":"s3cret"}'),
        ("text/plain", b'{"current_password":"s3cret","new_password":"other"}'),
        (None, b'{"current_password":"s3cret","new_password":"other"}'),
        (FORM, b"current_password=s3cret&new_password=other"),
    ],
)
def test_a_new_password_in_another_form_is_refused(content_type: str | None, body: bytes) -> None:
    with pytest.raises(RequestRefused) as refused:
        parse_new_password(content_type, body)

    assert refused.value.problem is INVALID_REQUEST
    assert "s3cret" not in f"{refused.value!r} {refused.value.reason}"
