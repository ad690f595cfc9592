"""The gate for proxies of `gatepass serve`: its variables, and its route in the document."""

from dataclasses import replace

import pytest

from gatepass.errors import SettingsRejected
from gatepass.gate import ProxyGate
from gatepass.server.app import make_app
from gatepass.server.proxy_gate import read_proxy_gate
from gatepass.server.secrets import generate_secret
from gatepass.settings import HttpSettings, TokenSettings
from tests.cli.command import Command
from tests.server.world import World

HEADERS = "X-Auth-Role=role, X-Auth-Name = username,"


def read(environ: dict[str, str]) -> ProxyGate | None:
    tokens, http = TokenSettings.from_env(environ), HttpSettings.from_env(environ)
    return read_proxy_gate(environ, tokens, http.policy)


def test_there_is_none_by_default(production: dict[str, str]) -> None:
    assert read(production) is None


def test_the_variables_make_a_gate(production: dict[str, str]) -> None:
    production |= {
        "GATEPASS_TRUSTED_PROXIES": "127.0.0.1",
        "GATEPASS_PROXY_GATE": "caddy",
        "GATEPASS_PROXY_HEADERS": HEADERS,
    }
    gate = read(production)
    assert gate is not None
    assert gate.dialect == "caddy"
    assert gate.token is None
    assert gate.headers == {
        "X-Auth-Subject": "sub",
        "X-Auth-Role": "role",
        "X-Auth-Name": "username",
    }
    token = {"GATEPASS_PROXY_TOKEN_SECRET": generate_secret()}
    gate = read(production | token | {"GATEPASS_PROXY_TOKEN_AUDIENCE": "reports"})
    assert gate is not None
    assert gate.token is not None
    assert gate.token.audience == "reports"
    assert token["GATEPASS_PROXY_TOKEN_SECRET"] not in repr(gate)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"GATEPASS_PROXY_GATE": "apache"}, "GATEPASS_PROXY_GATE: the dialect"),
        ({"GATEPASS_PROXY_GATE": "", "GATEPASS_PROXY_HEADERS": HEADERS}, "GATEPASS_PROXY_HEADERS"),
        ({"GATEPASS_TRUSTED_PROXIES": ""}, "GATEPASS_PROXY_GATE: a proxy gate needs trusted"),
        ({"GATEPASS_PROXY_HEADERS": "X-Auth-Role"}, "GATEPASS_PROXY_HEADERS is written"),
        ({"GATEPASS_PROXY_HEADERS": "X-Auth-A=a,X-Auth-A=b"}, "GATEPASS_PROXY_HEADERS is written"),
        ({"GATEPASS_PROXY_HEADERS": "Set-Cookie=role"}, "GATEPASS_PROXY_GATE: a proxy header"),
        ({"GATEPASS_PROXY_TOKEN_AUDIENCE": ""}, "GATEPASS_PROXY_TOKEN_SECRET and"),
        ({"GATEPASS_PROXY_TOKEN_SECRET": ""}, "GATEPASS_PROXY_TOKEN_SECRET and"),
        ({"GATEPASS_PROXY_TOKEN_SECRET": "hunter2"}, "GATEPASS_PROXY_TOKEN_SECRET is rejected"),
        ({"GATEPASS_PROXY_TOKEN_AUDIENCE": "api-client"}, "GATEPASS_PROXY_GATE: the internal"),
        ({"GATEPASS_PROXY_TOKEN_SECRET": "<access>"}, "GATEPASS_PROXY_GATE: the internal"),
        ({"GATEPASS_PROXY_TOKEN_SECRET": "<refresh>"}, "GATEPASS_PROXY_GATE: the internal"),
        ({"GATEPASS_PROXY_TOKEN_SECRET": "<legacy>"}, "GATEPASS_PROXY_GATE: the internal"),
        ({"GATEPASS_PROXY_HEADERS": "X-Auth-Kind=kind"}, "GATEPASS_PROXY_GATE: X-Auth-Kind"),
    ],
)
def test_bad_variables_are_named(
    change: dict[str, str], named: str, production: dict[str, str]
) -> None:
    production |= {
        "GATEPASS_TRUSTED_PROXIES": "127.0.0.1",
        "GATEPASS_PROXY_GATE": "nginx",
        "GATEPASS_PROXY_TOKEN_SECRET": generate_secret(),
        "GATEPASS_PROXY_TOKEN_AUDIENCE": "reports",
        "JWT_LEGACY_SECRET": generate_secret(),
        "JWT_LEGACY_KIND": "authx",
        "JWT_LEGACY_UNTIL": "2999-01-01T00:00:00Z",
    }
    secrets = {
        f"<{name}>": production[f"JWT_{name.upper()}_SECRET"]
        for name in ("access", "refresh", "legacy")
    }
    change = {name: secrets.get(value, value) for name, value in change.items()}
    with pytest.raises(SettingsRejected) as rejected:
        read(production | change)

    assert str(rejected.value).startswith(named)
    for secret in (*secrets.values(), "hunter2"):
        assert secret not in str(rejected.value)


def test_a_start_with_bad_variables_ends_at_once(
    command: Command, production: dict[str, str]
) -> None:
    refused = command("serve", "--port", "0", environ=production | {"GATEPASS_PROXY_GATE": "nginx"})

    assert refused.code == 2
    assert refused.stderr.startswith("gatepass: GATEPASS_PROXY_GATE: a proxy gate needs trusted")


@pytest.mark.anyio
async def test_the_document_has_the_route_where_it_is_there(made: World) -> None:
    policy = HttpSettings.from_env({"GATEPASS_TRUSTED_PROXIES": "127.0.0.1"}).policy
    gate = ProxyGate(dialect="nginx")
    without = make_app(made.parts).openapi()["paths"]
    paths = make_app(replace(made.parts, policy=policy, proxy_gate=gate)).openapi()["paths"]
    answers = paths["/auth/verify"]["get"]["responses"]

    assert "/auth/verify" not in without
    assert set(answers) == {"200", "400", "401", "403", "500", "503"}
    assert "X-Auth-Subject" in answers["200"]["headers"]
