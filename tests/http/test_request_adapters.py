"""Both forms of a request are read alike."""

import pytest

from gatepass.http import WsgiRequest
from tests.http.asking import asgi
from tests.http.conftest import Ask


def test_a_request_is_read(ask: Ask) -> None:
    request = ask("PUT /café?a=%20", "Host: app.example", "X-One: é", scheme="https")

    assert (request.method, request.path, request.query) == ("PUT", "/café", "a=%20")
    assert (request.scheme, request.peer) == ("https", "198.51.100.7")
    assert request.header("host") == ["app.example"]
    assert request.header("x-one") == ["é"]
    assert request.header("cookie") == []


def test_a_header_given_twice_is_seen_in_both_forms(ask: Ask) -> None:
    found = ask("GET /", "Cookie: a=1", "Cookie: b=2").header("cookie")

    assert found in (["a=1", "b=2"], ["a=1,b=2"])


def test_a_socket_file_has_no_peer(ask: Ask) -> None:
    assert ask(peer="").peer == ""


def test_a_websocket_handshake_is_a_get() -> None:
    assert asgi("GET /live", scheme="wss").method == "GET"


def test_wsgi_keeps_two_headers_without_the_prefix() -> None:
    request = WsgiRequest({"CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": "3"}, scheme="https")

    assert request.header("content-type") == ["text/plain"]
    assert request.header("content-length") == ["3"]
    assert request.scheme == "https"


@pytest.mark.parametrize("text", ["/caf\u00c3\u00a9", "/café", "/€"])
def test_a_path_may_be_octets_or_text(text: str) -> None:
    assert WsgiRequest({"SCRIPT_NAME": "", "PATH_INFO": text}).path in {"/café", "/caf\ufffd", "/€"}
