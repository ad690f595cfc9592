"""Whose word counts for where a request comes from, shown by the real server's own limit."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gatepass.errors import SettingsRejected
from gatepass.server.addresses import read_proxies
from tests.cli.command import Command
from tests.server.running import Running, serving
from tests.server.test_refused_starts import sentence

pytestmark = pytest.mark.workers

FAILURES = 10
VARIABLE = "GATEPASS_TRUSTED_PROXIES"
BY_ADDRESS = {"GATEPASS_ACCOUNT_LIMIT": "off"}


def guess(server: Running, *forwarded: str, source: str = "127.0.0.1") -> int:
    """The status of a log-in with a wrong password that claims to come from there."""
    headers = [("X-Forwarded-For", each) for each in forwarded]
    transport = httpx.HTTPTransport(local_address=source)
    with httpx.Client(base_url=server.url, transport=transport) as client:
        body = {"username": "nobody", "password": "wrong-password"}
        return client.post("/auth/login", json=body, headers=headers).status_code


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that trusts no proxy."""
    here = tmp_path_factory.mktemp("alone") / "here"
    here.mkdir()
    # what uvicorn would read by itself
    with serving(here, environ=BY_ADDRESS | {"FORWARDED_ALLOW_IPS": "*"}) as server:
        yield server


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server behind proxies at 127.0.0.2 and in 127.0.1.0/24."""
    here = tmp_path_factory.mktemp("behind") / "here"
    here.mkdir()
    with serving(here, environ=BY_ADDRESS | {VARIABLE: "127.0.0.2, 127.0.1.0/24"}) as server:
        yield server


def test_a_forged_x_forwarded_for_is_not_another_address(alone: Running) -> None:
    statuses = [guess(alone, f"203.0.113.{number}") for number in range(FAILURES + 1)]

    assert statuses == [401] * FAILURES + [429]
    assert guess(alone, "127.0.0.1", source="127.0.0.3") == 401


def test_a_strangers_x_forwarded_for_is_ignored_beside_a_trusted_proxy(behind: Running) -> None:
    statuses = [
        guess(behind, f"203.0.113.{number}", source="127.0.0.5") for number in range(FAILURES + 1)
    ]

    assert statuses == [401] * FAILURES + [429]


def test_clients_of_one_trusted_proxy_are_limited_each_by_itself(behind: Running) -> None:
    statuses = [guess(behind, "198.51.100.1", source="127.0.0.2") for _ in range(FAILURES + 1)]

    assert statuses == [401] * FAILURES + [429]
    assert guess(behind, "198.51.100.2", source="127.0.0.2") == 401
    assert guess(behind, "198.51.100.1", source="127.0.1.9") == 429
    assert "198.51.100.1:" in behind.stderr


def test_spoofed_left_hand_hops_choose_no_address(behind: Running) -> None:
    """The proxy appends where it was called from; all before that is the client's word."""
    statuses = [
        guess(behind, f"203.0.113.{number}, 198.51.100.3", source="127.0.0.2")
        for number in range(FAILURES)
    ]
    spoofed = [
        guess(behind, "198.51.100.4", "198.51.100.3", source="127.0.0.2"),
        guess(behind, "127.0.0.2, 127.0.1.1, 198.51.100.3", source="127.0.0.2"),
        guess(behind, "198.51.100.3, 127.0.1.1", source="127.0.0.2"),
        guess(behind, "unknown, 198.51.100.3:4711", source="127.0.0.2"),
    ]

    assert statuses == [401] * FAILURES
    assert spoofed == [429] * 4


def test_production_says_which_setting_tells_clients_behind_a_proxy_apart(
    here: Path, production: dict[str, str]
) -> None:
    with serving(here, environ=production) as server:
        assert VARIABLE in server.stderr
    with serving(here, environ=production | {VARIABLE: "127.0.0.2"}, name="other") as other:
        assert VARIABLE not in other.stderr


@pytest.mark.parametrize(
    "junk", ["*", "proxy.example", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.7,,10.0.0.8", "0.0.0.0/0"]
)
def test_trusted_proxies_that_are_none_are_refused_in_one_sentence(
    command: Command, production: dict[str, str], junk: str
) -> None:
    said = sentence(command("serve", "--port", "0", environ=production | {VARIABLE: junk}))

    assert said.startswith(VARIABLE)
    assert list(command.here.iterdir()) == []


def test_proxies_are_addresses_and_networks_of_both_kinds() -> None:
    proxies = read_proxies({VARIABLE: "10.0.0.7, 2001:db8::/32"})

    assert read_proxies({}) is read_proxies({VARIABLE: ""}) is None
    assert proxies is not None
    assert proxies.trusts("10.0.0.7")
    assert proxies.trusts("::ffff:10.0.0.7")
    assert proxies.trusts("2001:db8::1")
    assert not proxies.trusts("10.0.0.8")
    assert not proxies.trusts("unknown")
    with pytest.raises(SettingsRejected, match=f"^{VARIABLE}: .*every address"):
        read_proxies({VARIABLE: "::/0"})
