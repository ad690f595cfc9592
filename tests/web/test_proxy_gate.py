"""An application behind a real nginx and a real Caddy that ask `gatepass serve` for each request.

The configurations are those of docs/proxy-gate.md.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from socket import create_connection
from typing import Any, Final

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.budget import PATIENCE_S, until
from tests.server.running import free_port
from tests.web.fronts import HOST, PASSWORD, RUN, Front, front_of, other_front

pytestmark = pytest.mark.web

OURS: Final = ("Origin", f"https://{HOST}")
THEIRS: Final = ("Origin", "https://evil.example")
COOKIE: Final = "__Host-gatepass-access"


@pytest.fixture(scope="module", params=RUN)
def front(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    with front_of(request.param, tmp_path_factory.mktemp(request.param)) as front:
        yield front


@pytest.fixture(scope="module")
def careless(front: Front, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A proxy without the lines that keep the client's headers and query away."""
    lines = {
        "nginx": {f"server_name {HOST};": "underscores_in_headers on;"},
        "caddy": {
            "request_header -X-Auth-*\n": "\n",
            "request_header -*_*\n": "\n",
            "/auth/verify?\n": "/auth/verify\n",
        },
    }
    folder = tmp_path_factory.mktemp("careless")
    with other_front(front, folder, lines[front.kind]) as careless:
        yield careless


def told(answer: httpx.Response, name: str) -> list[str]:
    """The values of a header that reached the application, in any spelling of its name."""
    headers = answer.json()["headers"]
    return [value for each, value in headers if each.replace("_", "-") == name and value]


def test_a_good_token_passes_with_its_claims_and_not_with_itself(front: Front) -> None:
    answers = [
        front.ask(f"{method} /app/a?q=1") for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS")
    ]
    head = front.ask("HEAD /app/a")

    assert [answer.status_code for answer in (*answers, head)] == [200] * 6
    for answer in answers:
        assert answer.json()["target"] == "/app/a?q=1"
        assert told(answer, "x-auth-role") == ["admin"]
        assert told(answer, "x-auth-name") == ["ada"]
        assert told(answer, "x-auth-kind") == ["session"]
        assert len(told(answer, "x-auth-subject")) == 1
        assert told(answer, "authorization") == []


def test_a_body_reaches_the_application(front: Front) -> None:
    assert front.ask("POST /app/a", content=b"a body").json()["body"] == "a body"


def test_names_that_are_not_ascii_are_percent_encoded(front: Front) -> None:
    front.tokens["zoë"] = front.changed(username="zoë\r\nX-Auth-Role: admin", role=None)
    answer = front.ask("GET /app/a", who="zoë")

    assert told(answer, "x-auth-name") == ["zo%C3%AB%0D%0AX-Auth-Role%3A%20admin"]
    assert told(answer, "x-auth-role") == []


def test_tokens_that_are_no_good_do_not_pass(front: Front) -> None:
    front.tokens["expired"] = front.changed(exp=int(time.time()) - 1)
    front.tokens["forged"] = front.tokens["ada"][:-2]
    answers = {who: front.ask("GET /app/a", who=who) for who in ("", "expired", "forged")}

    assert {who: answer.status_code for who, answer in answers.items()} == {
        "": 401,
        "expired": 401,
        "forged": 403,
    }
    assert answers[""].headers["www-authenticate"] == "Bearer"
    assert 'error_description="Token expired"' in answers["expired"].headers["www-authenticate"]
    assert front.ask("OPTIONS /app/a", who="").status_code == 401


def test_a_location_requires_its_role(front: Front) -> None:
    assert front.ask("GET /admin/a").status_code == 200
    for query in ("", "?role=user", "?role=admin", "?scope=&role=user"):
        assert front.ask(f"GET /admin/a{query}", who="grace").status_code in {400, 403}
    assert front.ask("GET /admin/a", who="grace").status_code == 403


def test_the_clients_query_is_no_requirement(front: Front) -> None:
    for query in ("role=user", "role=nobody", "scope=a", "x=%ff", "&&"):
        assert front.ask(f"GET /app/a?{query}").status_code == 200


def in_cookie(front: Front) -> tuple[str, str]:
    return "Cookie", f"{COOKIE}={front.tokens['ada']}"


def test_a_cookie_reads_and_changes_nothing_without_the_proof(front: Front) -> None:
    with front.client(**dict([OURS])) as browser:
        body = {"username": "ada", "password": PASSWORD, "cookies": True}
        proof = {"X-CSRF-Token": browser.post("/auth/login", json=body).json()["csrf_token"]}
        statuses = {
            name: browser.request(method, "/app/a", headers=headers).status_code
            for name, method, headers in (
                ("get", "GET", {}),
                ("head", "HEAD", {}),
                ("without", "POST", {}),
                ("with", "POST", proof),
                ("delete", "DELETE", {}),
                ("foreign", "POST", proof | dict([THEIRS])),
            )
        }

    assert statuses == {
        "get": 200,
        "head": 200,
        "without": 403,
        "with": 200,
        "delete": 403,
        "foreign": 403,
    }


@pytest.mark.parametrize(
    "name",
    ["X-Original-Method", "X-Forwarded-Method", "X_Original_Method", "X-HTTP-Method-Override"],
)
def test_the_client_cannot_choose_the_original_method(name: str, front: Front) -> None:
    for values in (["GET"], ["GET", "GET"]):
        spoofed = [(name, value) for value in values]
        assert front.send("POST /app/a", in_cookie(front), OURS, *spoofed).status_code == 403
        assert front.send("GET /app/a", in_cookie(front), (name, "POST")).status_code == 200


@pytest.mark.parametrize("name", ["X-Original-URI", "X-Forwarded-Uri", "X_Forwarded_Uri"])
def test_the_client_cannot_choose_the_original_uri(name: str, front: Front) -> None:
    for uri in ("/?role=admin", "/app/a", ""):
        assert front.ask("GET /admin/a", (name, uri), who="grace").status_code == 403
        assert front.ask("GET /admin/a", (name, uri)).status_code in {200, 400}


@pytest.mark.parametrize(
    "name",
    [
        "X-Auth-Subject",
        "x-auth-role",
        "X-AUTH-NAME",
        "X_Auth_Subject",
        "X-Auth_Role",
        "x_auth_role",
        "X_AUTH-SUBJECT",
        "X-Auth-Kind",
    ],
)
def test_identity_in_the_clients_headers_never_passes(name: str, front: Front) -> None:
    front.tokens["plain"] = front.changed(role=None)
    for values in (["spoofed"], ["spoofed", "spoofed"]):
        spoofed = [(name, value) for value in values]
        answer = front.ask("GET /app/a", *spoofed, who="plain")
        if answer.is_success:
            assert "spoofed" not in answer.text
            assert told(answer, "x-auth-role") == []
        else:
            assert answer.status_code == 400
        assert front.ask("GET /app/a", *spoofed, who="").status_code in {400, 401}


def test_a_careless_configuration_passes_nothing_either(careless: Front) -> None:
    for name in ("X_Auth_Subject", "x-auth_role", "X_AUTH_NAME"):
        assert careless.ask("GET /app/a", (name, "spoofed")).status_code == 400
    if careless.kind == "caddy":
        assert careless.ask("GET /app/a", ("X-Auth-Team", "spoofed")).status_code == 200
        assert careless.ask("GET /app/a", ("X-Auth-Role", "spoofed")).status_code == 400
        for query in ("scope=a", "role=admin", "q=1"):  # the client's, which Caddy has kept
            assert careless.ask(f"GET /app/a?{query}").status_code == 400


def test_the_endpoint_itself_is_not_for_clients(front: Front) -> None:
    for path in (
        "/auth/verify",
        "/auth/%76erify",
        "/auth//verify",
        "/auth/x/../verify",
        "/auth/verify?role=user",
        "/auth/verify/",
    ):
        assert front.ask(f"GET {path}").status_code == 404, path
    for path in ("/_gate", "//_gate"):  # Caddy answers an empty 200 where it has no site
        assert front.kind == "caddy" or front.ask(f"GET {path}").status_code == 404


def handshake(front: Front, *headers: tuple[str, str]) -> str:
    url = f"wss://{HOST}:{front.port}/app/live"
    line = create_connection(("127.0.0.1", front.port))
    with connect(url, sock=line, ssl=front.context, additional_headers=headers) as socket:
        return str(socket.recv(timeout=PATIENCE_S))


def test_a_websocket_opens_for_our_page_and_for_a_token(front: Front) -> None:
    subject = front.ask("GET /app/a")
    told_subject = told(subject, "x-auth-subject")[0]

    assert handshake(front, in_cookie(front), OURS) == told_subject
    bearer = ("Authorization", f"Bearer {front.tokens['ada']}")
    assert handshake(front, bearer, THEIRS) == told_subject


def test_a_websocket_of_another_page_does_not_open(front: Front) -> None:
    before = front.application.reached
    for headers, status in (
        ([in_cookie(front), THEIRS], 403),
        ([in_cookie(front)], 403),
        ([OURS], 401),
    ):
        with pytest.raises(InvalidStatus) as refused:
            handshake(front, *headers)
        response: Any = refused.value.response
        assert response.status_code == status
    assert front.application.reached == before


def test_large_headers_and_large_claims_are_no_success(front: Front) -> None:
    front.tokens["large"] = front.changed(username="é" * 1000)
    large = front.ask("GET /app/a", who="large")
    passed = front.ask("GET /app/a", ("X-Large", "x" * 7_000))
    before = front.application.reached
    bearer = {"Authorization": f"Bearer {front.tokens['ada']}", "X-Large": "x" * 100_000}
    with front.client(**bearer) as client, client.stream("GET", "/app/a") as refused:
        pass  # its body may be cut off

    assert large.status_code == (503 if front.kind == "nginx" else 500)
    assert passed.status_code == 200
    assert refused.is_client_error
    assert front.application.reached == before


def test_nothing_passes_while_the_store_is_down(front: Front) -> None:
    with front.outage():
        assert front.ask("GET /app/a").status_code == 503
        assert front.ask("GET /app/a", who="").status_code == 401
    until(lambda: front.ask("GET /app/a").status_code == 200)


def test_nothing_passes_while_gatepass_is_down(front: Front, tmp_path: Path) -> None:
    with other_front(front, tmp_path, {front.gate: f"127.0.0.1:{free_port()}"}) as alone:
        assert alone.ask("GET /app/a").status_code == (503 if front.kind == "nginx" else 502)


@pytest.mark.parametrize("name", ["X-Auth-Subject", "x-auth-role", "X-Auth-Kind", "Cookie"])
def test_the_client_cannot_have_identity_dropped(name: str, front: Front) -> None:
    """Proxies drop the headers that `Connection` names (RFC 9110 §7.6.1)."""
    answer = front.ask("GET /app/a", ("Connection", f"close, {name}"))

    assert told(answer, "x-auth-role") == ["admin"]
    assert told(answer, "x-auth-name") == ["ada"]
    assert told(answer, "x-auth-kind") == ["session"]
    assert len(told(answer, "x-auth-subject")) == 1
