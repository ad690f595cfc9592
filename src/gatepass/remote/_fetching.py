"""Fetches an issuer's keys once, from its JWKS or by way of its metadata."""

import asyncio
import ssl
from dataclasses import dataclass

import httpx

from gatepass._exchange import ExchangeFailed, exchange, new_client
from gatepass.jose import VerificationKey
from gatepass.remote._documents import MAX_SIZE, read_jwks, read_lifetime, read_metadata

_OK = 200


@dataclass(frozen=True, slots=True)
class KeysAddress:
    """The `url` of a JWKS, or with an issuer that of the issuer's metadata."""

    url: httpx.URL
    issuer: str | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """The keys that an issuer publishes at this moment."""

    keys: tuple[VerificationKey, ...]
    unused: int
    lifetime_s: float


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
            url = address.url
            if address.issuer is not None:
                body, _ = await _get(url, tls, timeout_s)
                url = read_metadata(body, address.issuer, url)
            body, headers = await _get(url, tls, timeout_s)
            # In another thread: a large document takes a while, and the timeout must hold.
            keys, unused = await asyncio.to_thread(read_jwks, body, algorithm)
    except TimeoutError:
        raise ExchangeFailed(f"it took more than {timeout_s:g} s") from None
    return Fetched(keys, unused, read_lifetime(headers, longest_s))


async def _get(
    url: httpx.URL, tls: ssl.SSLContext, timeout_s: float
) -> tuple[bytes, httpx.Headers]:
    # Caches on the way may hold an answer from before a key was published.
    headers = {"Accept": "application/json", "Cache-Control": "no-cache"}
    async with new_client(url, tls, timeout_s) as client:
        request = client.build_request("GET", url, headers=headers)
        reply = await exchange(client, request, max_size=MAX_SIZE)
    if reply.status != _OK:
        raise ExchangeFailed(f"the answer has status {reply.status}")
    return reply.body, reply.headers
