"""Websocket handshakes, refused before they are accepted and with the same body as a request."""

from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.budget import PATIENCE_S
from tests.web.stage import Stage
from tests.web.target import TARGETS, Running, Target

pytestmark = [
    pytest.mark.web,
    pytest.mark.parametrize(
        ("target", "stage"),
        [(target, "development") for target in TARGETS if target.name in {"asgi", "fastapi"}],
        indirect=True,
        ids=lambda value: value.name if isinstance(value, Target) else value,
    ),
]

MISSING = (401, b'{"error":"Access token required","code":"token_missing"}')
REVOKED = (401, b'{"error":"Token has been revoked","code":"token_revoked"}')
FORGED = (403, b'{"error":"Invalid token","code":"token_invalid"}')
FOREIGN = (403, b'{"error":"CSRF check failed","code":"csrf_failed"}')


def handshake(stage: Stage, program: Running, headers: dict[str, str]) -> str:
    """What the socket says first."""
    filled = {name: stage.fill(value) for name, value in headers.items()}
    url = program.url.replace("http", "ws", 1) + "/live"
    with connect(url, additional_headers=filled) as socket:
        return str(socket.recv(timeout=PATIENCE_S))


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer <access>"},
        {"Authorization": "Bearer <access>", "Origin": "https://evil.example"},
        {"Cookie": "<A>=<access>", "Origin": "<origin>"},
        {"Cookie": "<A>=<access>", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_a_socket_opens_for_a_good_token(
    headers: dict[str, str], stage: Stage, program: Running
) -> None:
    stage.begin()

    assert handshake(stage, program, headers) == '{"subject":"user-ada"}'


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({}, MISSING),
        ({"Authorization": "Bearer <revoked_session>"}, REVOKED),
        ({"Authorization": "Bearer <forged>"}, FORGED),
        ({"Cookie": "<A>=<access>", "Origin": "https://evil.example"}, FOREIGN),
        ({"Cookie": "<A>=<access>"}, FOREIGN),
    ],
)
def test_a_socket_is_refused_with_the_tables_answer(
    headers: dict[str, str], wanted: tuple[int, bytes], stage: Stage, program: Running
) -> None:
    stage.begin()
    with pytest.raises(InvalidStatus) as refused:
        handshake(stage, program, headers)
    response: Any = refused.value.response

    assert (response.status_code, response.body) == wanted
    assert response.headers["content-type"] == "application/json"
