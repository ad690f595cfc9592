"""The original method and requirement of a request that a proxy asks about."""

from collections.abc import Callable
from typing import Any

import pytest

from gatepass.http import RequestRefused, TrustedProxies
from gatepass.http.proxied import ProxiedRequest, parse_requirement
from tests.http.asking import MAKERS

PROXIES = TrustedProxies(["10.0.0.7"])
PROXY = "10.0.0.7"
Ask = Callable[..., ProxiedRequest]


@pytest.fixture(params=MAKERS)
def ask(request: pytest.FixtureRequest) -> Ask:
    make = MAKERS[request.param]

    def ask(
        *headers: str, line: str = "GET /auth/verify", dialect: str = "nginx", **how: Any
    ) -> ProxiedRequest:
        return ProxiedRequest(make(line, *headers, **{"peer": PROXY, **how}), dialect, PROXIES)

    return ask


@pytest.mark.parametrize(
    ("dialect", "header"), [("nginx", "X-Original-Method"), ("caddy", "X-Forwarded-Method")]
)
def test_the_method_counts_in_one_dialect_and_from_the_proxy(
    dialect: str, header: str, ask: Ask
) -> None:
    [other] = {"nginx", "caddy"} - {dialect}

    assert ask(f"{header}: HEAD", dialect=dialect).method == "HEAD"
    assert ask(f"{header}: HEAD", dialect=other).method == ""
    assert ask(f"{header}: HEAD", dialect=dialect, peer="198.51.100.7").method == ""
    assert ask(dialect=dialect).method == ""


@pytest.mark.parametrize("second", ["GET", "POST", ""])
def test_two_methods_are_none_that_is_safe(second: str, ask: Ask) -> None:
    assert ask("X-Original-Method: GET", f"X-Original-Method: {second}").method != "GET"


@pytest.mark.parametrize(
    "header", ["Upgrade: websocket", "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13"]
)
def test_an_upgrade_counts_as_a_websocket(header: str, ask: Ask) -> None:
    assert ask(header).scheme == "ws"
    assert ask("Connection: keep-alive").scheme == "http"


def test_all_else_is_that_of_the_question(ask: Ask) -> None:
    asked = ask("X-Original-URI: /a?b=1", "X-B: 1", line="GET /auth/verify?role=x")

    assert (asked.path, asked.root_path, asked.query) == ("/auth/verify", "", "role=x")
    assert (asked.peer, asked.header("x-b")) == (PROXY, ["1"])
    assert set(asked.names()) == {"x-original-uri", "x-b"}


def test_a_query_of_the_configuration_is_a_requirement(ask: Ask) -> None:
    line = "GET /auth/verify?scope=a+b&role=x"
    found = ask("X-Original-URI: /a?b=1", line=line).requirement()

    assert (found.scopes, found.roles) == (("a", "b"), ("x",))
    assert not ask().requirement().asks


@pytest.mark.parametrize("uri", ["/a?role=x", "?role=x", "/b/c?role=x"])
def test_a_query_of_the_client_is_none(uri: str, ask: Ask) -> None:
    line = "GET /auth/verify?role=x"
    for asked in (
        ask(f"X-Original-URI: {uri}", line=line),
        ask("X-Original-URI: /a", line=line, peer="198.51.100.7"),
        ask(line=line),
    ):
        with pytest.raises(RequestRefused):
            asked.requirement()


def test_scopes_and_roles_add_up() -> None:
    found = parse_requirement("scope=a%20b&scope=c&role=x&role=y%20z")

    assert found.scopes == ("a", "b", "c")
    assert found.roles == ("x", "y z")


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("scope=a", (True, False)),
        ("role=x&kind=session", (True, False)),
        ("kind=key&scope=a", (False, True)),
        ("scope=a&kind=session+key", (True, True)),
        ("scope=a&kind=key&kind=session", (True, True)),
    ],
)
def test_sessions_pass_and_keys_where_the_query_says_so(
    query: str, kinds: tuple[bool, bool]
) -> None:
    found = parse_requirement(query)

    assert (found.takes_sessions, found.takes_keys) == kinds


@pytest.mark.parametrize(
    "query",
    [
        "scope",
        "scope=",
        "scope=%20",
        "role=",
        "Scope=a",
        "scopes=a",
        "fresh=1",
        "role=%ff",
        "kind=",
        "kind=Key&scope=a",
        "kind=session,key&scope=a",
        "kind=key",
        "kind=session+key&role=x",
        "&",
        "&".join(["role=a"] * 33),
    ],
)
def test_other_queries_are_rejected(query: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        parse_requirement(query)
    assert refused.value.problem.status == 400
