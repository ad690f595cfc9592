"""Fetches an issuer's keys once, from its JWKS or by way of its metadata."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass

import httpx

from gatepass._exchange import ExchangeFailed, exchange, new_client
from gatepass.jose import VerificationKey
from gatepass.jose._entries import left_out
from gatepass.remote._documents import MAX_SIZE, read_jwks, read_lifetime, read_metadata

_OK = 200
_NOT_THERE = (400, 401, 403, 404, 405, 410)


@dataclass(frozen=True, slots=True)
class KeysAddress:
    """The address of a JWKS, or with an issuer those at which its metadata may be."""

    urls: tuple[httpx.URL, ...]
    issuer: str | None
    plain_http_host: str | None = None

    @property
    def host(self) -> str:
        """The issuer's host, for messages."""
        return self.urls[0].host


@dataclass(frozen=True, slots=True)
class Fetched:
    """The keys that an issuer publishes at this moment."""

    keys: tuple[VerificationKey, ...]
    left_out: str
    """Why entries are not among the keys; empty if all are."""
    lifetime_s: float


def oauth_metadata(issuer: str) -> str:
    """The address of an issuer's metadata: before the issuer's path (RFC 8414 §3)."""
    scheme, _, rest = issuer.removesuffix("/").partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}/.well-known/oauth-authorization-server{slash}{path}"


class _NotThere(ExchangeFailed):
    """The server has nothing at this address."""


async def fetch_keys(
    address: KeysAddress,
    *,
    algorithm: str | None,
    tls: ssl.SSLContext,
    timeout_s: float,
    longest_s: float,
) -> Fetched:
    """The keys at this address; `timeout_s` limits the whole fetch.

    Raises:
        ExchangeFailed: The fetch failed; the text says why.
    """
    try:
        async with asyncio.timeout(timeout_s):
            url = address.urls[0]
            if address.issuer is not None:
                body, url = await _get_first(address.urls, tls, timeout_s)
                url = read_metadata(body, address.issuer, url, address.plain_http_host)
            body, headers = await _get(url, tls, timeout_s)
            # In another thread: a large document takes a while, and the timeout must hold.
            entries = await asyncio.to_thread(read_jwks, body, algorithm)
    except TimeoutError:
        raise ExchangeFailed(f"it took more than {timeout_s:g} s") from None
    is_whole = entries.keys and not entries.reasons
    reasons = "" if is_whole else left_out(entries.reasons)
    return Fetched(entries.keys, reasons, read_lifetime(headers, longest_s))


async def _get_first(
    urls: tuple[httpx.URL, ...], tls: ssl.SSLContext, timeout_s: float
) -> tuple[bytes, httpx.URL]:
    """The first of these documents that the server has, and its address."""
    for url in urls[:-1]:
        with suppress(_NotThere):
            return (await _get(url, tls, timeout_s))[0], url
    return (await _get(urls[-1], tls, timeout_s))[0], urls[-1]


async def _get(
    url: httpx.URL, tls: ssl.SSLContext, timeout_s: float
) -> tuple[bytes, httpx.Headers]:
    # Caches on the way may hold an answer from before a key was published.
    headers = {"Accept": "application/json", "Cache-Control": "no-cache"}
    async with new_client(url, tls, timeout_s) as client:
        request = client.build_request("GET", url, headers=headers)
        reply = await exchange(client, request, max_size=MAX_SIZE)
    if reply.status in _NOT_THERE:
        raise _NotThere(f"the answer has status {reply.status}")
    if reply.status != _OK:
        raise ExchangeFailed(f"the answer has status {reply.status}")
    return reply.body, reply.headers
