"""`gatepass serve` with a key file: what it publishes, and what it refuses to start with."""

from pathlib import Path

import httpx
import pytest

from gatepass import TokenVerifier
from gatepass.remote import RemoteKeySet
from tests.server.running import gatepass, serving

pytestmark = pytest.mark.programs


def test_a_server_publishes_the_keys_of_its_file_and_signs_with_the_primary(here: Path) -> None:
    environ = {"GATEPASS_KEY_FILE": "keys.json"}
    made = gatepass(["keys", "generate"], here, environ=environ)
    with serving(here, environ=environ) as server:
        answer = httpx.get(f"{server.url}/.well-known/jwks.json")
        credentials = {"username": "admin", "password": server.password}
        pair = httpx.post(f"{server.url}/auth/login", json=credentials).json()
        keys = RemoteKeySet(f"{server.url}/.well-known/jwks.json")
        verifier = TokenVerifier(keys, issuer="api-server", audience="api-client")

        assert [jwk["kid"] for jwk in answer.json()["keys"]] == [made.stdout.strip()]
        assert answer.headers["cache-control"] == "public, max-age=300"
        assert verifier.verify(pair["access_token"])["username"] == "admin"


def test_a_server_without_its_key_file_does_not_start(here: Path) -> None:
    refused = gatepass(["serve", "--port", "0"], here, environ={"GATEPASS_KEY_FILE": "keys.json"})

    assert refused.returncode == 2
    assert refused.stderr.startswith("gatepass: GATEPASS_KEY_FILE: keys.json cannot be read")
    assert list(here.iterdir()) == []
