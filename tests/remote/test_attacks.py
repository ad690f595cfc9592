"""Attacks on fetching itself: on addresses, on the environment, and on what a process has left."""

import asyncio
import json
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from resource import RLIMIT_NOFILE, getrlimit, setrlimit
from typing import Any

import httpx
import pytest

from gatepass._exchange import ExchangeFailed
from gatepass.errors import KeysUnavailable, SettingsRejected
from gatepass.remote import AsyncRemoteKeySet, RemoteKeySet
from gatepass.remote._documents import read_metadata
from tests.budget import PATIENCE_S, until
from tests.cases import case
from tests.children import Child
from tests.jose.material import signing_key
from tests.remote.conftest import Connect
from tests.remote.issuer import Issuer, reply
from tests.remote.resource import Clock, Resource

KEY, SUCCESSOR = signing_key("ES256"), signing_key("ES256", 1)


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """The process can open no further file, socket or event loop."""
    free = os.dup(0)
    os.close(free)
    before, most = getrlimit(RLIMIT_NOFILE)
    setrlimit(RLIMIT_NOFILE, (free, most))
    try:
        yield
    finally:
        setrlimit(RLIMIT_NOFILE, (before, most))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_moment_without_descriptors_does_not_end_fetching_for_ever(
    issuer: Issuer, connect: Connect, clock: Clock
) -> None:
    issuer.publish(SUCCESSOR)
    later = issuer.scripts["/jwks"]
    issuer.publish(KEY)
    first = issuer.scripts["/jwks"]
    issuer.scripts["/jwks"] = lambda: first() if len(issuer.asked) == 1 else later()
    tokens = [issuer.token(KEY), issuer.token(SUCCESSOR)]
    resource = connect()

    def outcomes() -> str:
        found = [resource.outcome(tokens[0])]
        clock.now += 3700
        with no_descriptor_left():
            found.append(resource.outcome(tokens[0]))
        clock.now += 11
        found.append(resource.outcome(tokens[1]))
        return " ".join(found)

    assert Child(outcomes).answer() == "ada ada ada"


@pytest.mark.parametrize("discover", [False, True])
def test_a_proxy_in_the_environment_does_not_see_what_goes_to_this_machine(
    discover: bool,  # noqa: FBT001
    issuer: Issuer,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    issuer.publish(KEY)
    metadata = {"issuer": issuer.name, "jwks_uri": issuer.jwks_url}
    issuer.scripts["/.well-known/openid-configuration"] = lambda: [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + json.dumps(metadata).encode()
    ]
    with Issuer() as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name.lower(), proxy.name)
        outcome = connect(discover=discover).outcome(issuer.token())

        assert proxy.asked == []
    assert outcome == "ada"


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "gopher://127.0.0.1:1"])
def test_a_proxy_that_cannot_be_used_is_named_as_the_reason(
    proxy: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("all_proxy", proxy)

    with pytest.raises(KeysUnavailable, match="proxy that the environment names"):
        connect(url="https://id.example.org/jwks").refresh()


def test_certificates_that_cannot_be_read_are_named_as_the_reason(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")

    with pytest.raises(KeysUnavailable, match="no certificate can be checked"):
        connect(url="https://id.example.org/jwks").refresh()


OWN_MACHINE = [
    "https://localhost./keys",
    "https://keys.localhost/",
    "https://127.1/keys",
    "https://0x7f.1/keys",
    "https://2130706433/keys",
    "https://127.0.0.1./keys",
    "https://0.0.0.0/keys",
    "https://[::]/keys",
    "https://[::ffff:127.0.0.1]/keys",
    "https://[::1%25lo]/keys",
    "https://xn--/",  # which IDNA cannot decode
]


def test_another_spelling_of_this_machine_is_not_followed() -> None:
    issuer = "https://id.example.org"
    for own in OWN_MACHINE:
        metadata = json.dumps({"issuer": issuer, "jwks_uri": own}).encode()

        with case(own), pytest.raises(ExchangeFailed, match="jwks_uri is rejected"):
            read_metadata(metadata, issuer, httpx.URL(issuer))


PLACELESS: list[Any] = [
    "https://id.example.org?tenant=1",
    "https://id.example.org/?",
    "https://id.example.org#a",
    "https://ada:pw@id.example.org",
    "http://id.example.org",
    "http://localhost.",
    "http://keys.localhost",
    "http://127.1",
    "api-server",
    7,
    None,
]


def test_an_issuer_that_has_no_place_for_its_metadata_is_refused() -> None:
    for issuer, kind in product(PLACELESS, (RemoteKeySet, AsyncRemoteKeySet)):
        with case(issuer), pytest.raises(SettingsRejected):
            kind.from_issuer(issuer)


def test_an_issuer_in_a_black_hole_holds_nobody_up_twice(
    issuer: Issuer, connect: Connect, clock: Clock
) -> None:
    """Its keys stay; without this every request would wait for every further attempt."""
    over = threading.Event()
    issuer.publish(KEY)
    token = issuer.token()
    resource = connect()
    assert resource.outcome(token) == "ada"

    def silent() -> Iterator[bytes]:
        over.wait(PATIENCE_S)
        yield b""

    issuer.scripts["/jwks"] = silent
    resource.keys._timeout_s = 0.1
    clock.now += 3700
    assert resource.outcome(token) == "ada"
    until(lambda: resource.keys._flight is None)
    resource.keys._timeout_s = 60
    for _ in range(4):
        clock.now += 11
        assert resource.outcome(token) == "ada"
        assert resource.keys._flight is not None
    over.set()

    until(lambda: len(issuer.asked) == 3)


def test_keys_are_looked_for_again_after_a_silence_before_they_are_trusted(
    issuer: Issuer, resource: Resource, clock: Clock
) -> None:
    """A failure long ago does not have the first request of today served by keys of yesterday."""
    issuer.publish(KEY)
    token = issuer.token()
    assert resource.outcome(token) == "ada"
    issuer.scripts["/jwks"] = reply(b"", "500 Oops")
    clock.now += 3700
    assert resource.outcome(token) == "ada"
    issuer.publish(SUCCESSOR)
    clock.now += 3700

    assert resource.outcome(token) in {"token_invalid", "keys_unavailable"}


def test_a_loop_that_was_closed_while_waiting_leaves_no_trace(
    issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.publish(KEY)
    may_answer = issuer.hold("/jwks")
    keys = AsyncRemoteKeySet(issuer.jwks_url)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(keys.refresh(), 0.1)

    with asyncio.Runner() as runner:
        runner.run(give_up())
    may_answer.set()
    until(lambda: keys.version == 1)
    until(lambda: keys._flight is None)

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(
    "entry",
    [
        '{"kty": "EC", "kty": "EC"}',
        '{"kty": "EC", "kid": "\\ud800"}',
        '{"kty": "EC", "alg": "\\udfff", "x": "\\ud800"}',
        '{"kty": "RSA", "exp": 123456789012345678901234567890}',
        '{"kty": "RSA", "exp": ' + "9" * 100_000 + "}",
        '{"kty": "RSA", "nbf": 1e999, "e": -0}',
        '{"kty": "RSA", "x5c": ' + "[" * 200 + "]" * 200 + "}",
        "SURROGATE",
    ],
    ids=lambda entry: entry[:40],
)
def test_one_entry_that_is_hardly_json_does_not_keep_the_others_out(
    entry: str, issuer: Issuer, resource: Resource
) -> None:
    """Whoever may add one key to a set for many must not end its rotation for all."""
    if entry == "SURROGATE":
        entry = json.dumps(SUCCESSOR.public().to_jwk() | {"kid": "\ud800"})
    good = json.dumps(KEY.public().to_jwk())
    issuer.scripts["/jwks"] = reply(f'{{"keys": [{entry}, {good}]}}'.encode())

    assert resource.outcome(issuer.token(KEY)) == "ada"
    assert len(resource.keys.current().keys) == 1
