"""A hostile JWKS server: nothing it sends lets a forger in, stops others, or grows without end."""

import json
import threading
import tracemalloc
from collections.abc import Iterator
from itertools import product
from typing import Any

import httpx
import pytest

from gatepass._exchange import ExchangeFailed
from gatepass.errors import KeysUnavailable, SettingsRejected
from gatepass.remote import AsyncRemoteKeySet, RemoteKeySet
from gatepass.remote._documents import read_metadata
from tests.budget import PATIENCE_S
from tests.cases import case
from tests.jose.material import signing_key
from tests.remote.conftest import Connect
from tests.remote.issuer import Issuer, drip, reply
from tests.remote.resource import Resource

MEGABYTE = 1024 * 1024
KEY = signing_key("ES256")


@pytest.fixture
def over() -> Iterator[threading.Event]:
    over = threading.Event()
    yield over
    over.set()


NOT_HTTPS: list[Any] = [
    "file:///etc/passwd",
    'data:application/json,{"keys":[]}',
    "ftp://id.example.org/jwks",
    "http://id.example.org/jwks",
    "http://127.0.0.1.example.org/jwks",
    "http://10.0.0.1/jwks",
    "https://user:password@id.example.org/jwks",
    "https://id.example.org/jwks#keys",
    "https:///jwks",
    "//id.example.org/jwks",
    "jwks.json",
    "",
    "https://id.example.org:bad/",
    "https://id.example.org/" + "a" * 3000,
    None,
    7,
]


def test_an_address_that_is_not_https_is_refused() -> None:
    for url, kind in product(NOT_HTTPS, (RemoteKeySet, AsyncRemoteKeySet)):
        with case(url), pytest.raises(SettingsRejected):
            kind(url)


@pytest.mark.parametrize(
    "jwks_uri",
    ["file:///etc/passwd", 'data:application/json,{"keys":[]}', "http://id.example.org/", None, []],
)
def test_metadata_that_points_elsewhere_than_https_is_not_followed(
    jwks_uri: object, issuer: Issuer, connect: Connect
) -> None:
    metadata = {"issuer": issuer.name, "jwks_uri": jwks_uri}
    issuer.scripts["/.well-known/openid-configuration"] = reply(metadata)

    with pytest.raises(KeysUnavailable, match="jwks_uri is rejected"):
        connect(discover=True).refresh()


def test_metadata_of_another_issuer_is_refused(issuer: Issuer, connect: Connect) -> None:
    issuer.publish(KEY)
    for other in (issuer.name + "/", "https://id.example.org", None, [issuer.name]):
        metadata = {"issuer": other, "jwks_uri": issuer.jwks_url}
        issuer.scripts["/.well-known/openid-configuration"] = reply(metadata)
        with pytest.raises(KeysUnavailable, match="another issuer"):
            connect(discover=True).refresh()

    assert issuer.jwks_url.rpartition("/")[2] not in issuer.asked


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_a_redirect_to_another_host_is_not_followed(
    status: str, issuer: Issuer, resource: Resource
) -> None:
    with Issuer() as elsewhere:
        elsewhere.publish(KEY)
        issuer.scripts["/jwks"] = reply(b"", status, Location=elsewhere.jwks_url)
        with pytest.raises(KeysUnavailable, match=status[:3]):
            resource.refresh()

        assert elsewhere.asked == []


@pytest.mark.parametrize("framing", ["length", "chunked", "neither"])
def test_a_body_of_100_megabytes_is_left_after_a_quarter_of_one(
    framing: str, issuer: Issuer, resource: Resource
) -> None:
    piece = b" " * 65_536
    head = {
        "length": f"Content-Length: {100 * MEGABYTE}\r\n",
        "chunked": "Transfer-Encoding: chunked\r\n",
        "neither": "",
    }[framing]

    def endless() -> Iterator[bytes]:
        yield f"HTTP/1.1 200 OK\r\n{head}\r\n".encode()
        for _ in range(100 * MEGABYTE // len(piece)):
            yield b"10000\r\n" + piece + b"\r\n" if framing == "chunked" else piece

    issuer.scripts["/jwks"] = endless
    tracemalloc.start()
    try:
        with pytest.raises(KeysUnavailable, match="more than 262144 bytes"):
            resource.refresh()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 4 * MEGABYTE
    assert issuer.sent < 20 * MEGABYTE


def test_a_body_that_would_unpack_to_more_is_refused(issuer: Issuer, resource: Resource) -> None:
    issuer.scripts["/jwks"] = reply(b"\x1f\x8b", Content_Encoding="gzip")

    with pytest.raises(KeysUnavailable, match="compressed"):
        resource.refresh()


@pytest.mark.parametrize("part", ["head", "body", "nothing"])
def test_a_slow_drip_ends_with_the_timeout(
    part: str, issuer: Issuer, connect: Connect, over: threading.Event
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n"

    def slowly() -> Iterator[bytes]:
        if part == "nothing":
            over.wait(PATIENCE_S)
        yield head
        if part == "body":
            yield b"\r\n"
        yield from drip(b"x" * 5000, over)

    issuer.scripts["/jwks"] = slowly
    resource = connect(timeout=0.5)
    with pytest.raises(KeysUnavailable, match=r"more than 0\.5 s"):
        resource.refresh()


NO_JWKS = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"keys"',
    b"{}",
    b'{"keys": {}}',
    b'{"keys": null}',
    b"\xff\xfe{}",
    b'{"keys": []} trailing',
    b'{"keys": [], "keys": []}',
    b'{"keys": [NaN]}',
    b"[" * 200_000,
    b'{"keys":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"keys": [' + b"9" * 250_000 + b"]}",
    b"<html>not found</html>",
]


def test_what_is_no_jwks_is_a_failed_fetch(issuer: Issuer, connect: Connect) -> None:
    for body in NO_JWKS:
        issuer.scripts["/jwks"] = reply(body)

        with case(body[:20]), pytest.raises(KeysUnavailable, match="not a J"):
            connect().refresh()


def test_an_answer_that_breaks_off_is_a_failed_fetch(issuer: Issuer, resource: Resource) -> None:
    issuer.scripts["/jwks"] = lambda: [b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"keys": [']

    with pytest.raises(KeysUnavailable, match="RemoteProtocolError"):
        resource.refresh()


def test_metadata_of_another_machine_does_not_point_to_this_one() -> None:
    """Or an issuer could have whoever trusts it ask what only this machine may be asked."""
    issuer = "https://id.example.org"
    for own in ("http://127.0.0.1:8080/keys", "https://localhost/keys", "http://[::1]/keys"):
        metadata = json.dumps({"issuer": issuer, "jwks_uri": own}).encode()
        with pytest.raises(ExchangeFailed, match="an address of this one"):
            read_metadata(metadata, issuer, httpx.URL(issuer))
