"""Requests that no client library would send, octet by octet, to every program in production."""

import socket

import pytest

from tests.budget import PATIENCE_S
from tests.cases import case
from tests.web.stage import Stage
from tests.web.target import Running

pytestmark = [
    pytest.mark.web,
    pytest.mark.parametrize("stage", ["production"], indirect=True),
]
HOST = "Host: app.example.com"
FORWARDED = "X-Forwarded-Proto: https"


def send(program: Running, *lines: str, body: bytes = b"") -> tuple[int, str]:
    """The status and the whole answer to a head of these lines; 0 when it is hung up on."""
    head = "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")
    answer = b""
    with socket.create_connection(("127.0.0.1", program.port), timeout=PATIENCE_S) as connection:
        connection.sendall(head + body)
        try:
            while piece := connection.recv(65_536):
                answer += piece
        except ConnectionResetError:
            pass
    text = answer.decode("latin-1")
    return int(text.split(" ")[1]) if text else 0, text


def send_in_chunks(program: Running, line: str, body: str) -> tuple[int, str]:
    """The same with a body whose length is not told in advance."""
    pieces = [body[at : at + 7].encode() for at in range(0, len(body), 7)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])
    head = (HOST, FORWARDED, "Content-Type: application/json", "Transfer-Encoding: chunked")
    return send(program, line, *head, body=chunks)


def code(answer: str) -> str:
    return answer.rpartition('"code":"')[2].partition('"')[0]


TARGET_LINES = (
    "@evil.example/auth/me",
    ".evil.example/auth/me",
    ":x@evil.example/auth/me",
    "http://evil.example/auth/me",
    "//evil.example/auth/me",
    "/\\evil.example/auth/me",
    "/auth/me?x=\tLocation:https://evil.example",
)


def test_no_target_makes_a_redirect_leave_the_allowed_host(program: Running) -> None:
    for target_line in TARGET_LINES:
        status, answer = send(program, f"GET {target_line} HTTP/1.1", HOST)
        moved = [line for line in answer.split("\r\n") if line.lower().startswith("location:")]

        with case(target_line):
            assert status in {0, 308, 400, 403, 404}
            for line in moved:
                assert line.partition(":")[2].strip().startswith("https://app.example.com/")


def test_the_control_is_redirected(program: Running) -> None:
    status, answer = send(program, "GET /auth/me HTTP/1.1", HOST)

    assert status == 308
    assert "location: https://app.example.com/auth/me" in answer.lower()


def test_underscores_do_not_spell_a_header_that_a_proxy_sets(program: Running) -> None:
    for name in ("X_Forwarded_Proto", "X_FORWARDED_PROTO", "X-Forwarded_Proto"):
        lines = (HOST, "Content-Length: 0", f"{name}: https")
        status, answer = send(program, "POST /auth/logout HTTP/1.1", *lines)

        with case(name):
            assert status in {0, 400, 403}
            assert status != 403 or code(answer) == "https_required"


SMUGGLED = (
    ("Authorization: Bearer <access>", "authorization: Bearer <access>"),
    ("Authorization: Bearer <access>", "AUTHORIZATION: Basic x"),
    ("Authorization: Bearer <grace>,", " Bearer <access>"),
    ("Authorization: Bearer <access>\xa0",),
    ("Authorization: Bearer \u00e9<access>",),
    ("Authorization : Bearer <access>",),
    ("Authorization_: Bearer <access>",),
    ("Cookie: <A>=<grace>", "cookie: <A>=<access>"),
    ("Cookie: \u00a0<A>=<access>",),
    ("Cookie: <A>\u0085=<access>",),
    ("Cookie: gatepass-access=<access>",),
    ("Cookie: __host-gatepass-access=<access>",),
    ('Cookie: $Version=1; $Path="/",<A>=<access>',),
)


def test_smuggled_credentials_open_nothing(stage: Stage, program: Running) -> None:
    stage.begin()
    for lines in SMUGGLED:
        filled = [stage.fill(line) for line in lines]
        status, _ = send(program, "GET /auth/me HTTP/1.1", HOST, FORWARDED, *filled)

        with case(lines):
            assert status in {0, 400, 401, 403}


@pytest.mark.parametrize("override", ["X-HTTP-Method-Override: GET", "X-Method-Override: GET"])
def test_no_method_and_no_override_of_it_gets_around_the_csrf_check(
    override: str, stage: Stage, program: Running
) -> None:
    stage.begin()
    cookie = stage.fill("Cookie: <A>=<access>; <R>=<refresh>")
    lines = (HOST, FORWARDED, cookie, "Origin: https://evil.example", "Content-Length: 0", override)
    for method in ("get", "POST", "PATCH", "FOO", "post", "TRACE", "CONNECT"):
        for path in ("/auth/refresh", "/auth/logout", "/auth/logout-all"):
            status, answer = send(program, f"{method} {path}?_method=GET HTTP/1.1", *lines)
            with case(method, path, answer):
                assert status not in {200, 204}
    status, _ = send(
        program, "GET /auth/me HTTP/1.1", HOST, FORWARDED, stage.fill("Cookie: <A>=<access>")
    )

    assert status == 200


def test_a_body_in_chunks_is_read_everywhere(stage: Stage, program: Running) -> None:
    stage.begin()
    token = stage.fill('{"refresh_token":"<refresh>"}')
    forged = stage.fill('{"refresh_token":"<forged_refresh>"}')

    assert send_in_chunks(program, "POST /auth/refresh HTTP/1.1", token)[0] == 200
    assert code(send_in_chunks(program, "POST /auth/logout HTTP/1.1", forged)[1]) == (
        "refresh_invalid"
    )
    assert send_in_chunks(program, "POST /auth/refresh HTTP/1.1", " " * 70_000)[0] == 400
