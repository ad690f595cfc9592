"""`TokenAuth`: the `auth=` of an `httpx` client."""

import asyncio
import concurrent.futures
import random
import re
import ssl
import time
from collections.abc import AsyncGenerator, Callable, Collection, Generator, Mapping
from typing import Any, Final

import httpx

from gatepass._addresses import parse_address
from gatepass._clock import wall_clock
from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.httpx._refresher import LOCK_S, Flight, Refresher
from gatepass.httpx._server import AuthServer
from gatepass.httpx.storage import MemoryTokens, TokenStorage
from gatepass.httpx.tokens import Tokens

_PATIENCE_S: Final = LOCK_S + 11
"""How long a request waits for a refresh: its lock, its ten seconds, and a little."""
_ENOUGH_S: Final = 5.0
"""A token that lives as long serves while its successor is fetched."""
_REFUSED: Final = re.compile(r'(?:^|[\s,])error\s*=\s*"?invalid_token(?:["\s,]|$)', re.IGNORECASE)
_STATUSES: Final = frozenset({401, 403})


class TokenAuth(httpx.Auth):
    """Sends the access token and refreshes it in time; for sync and async clients.

    A pair is refreshed shortly before it expires, and once when a server rejects it; however
    many requests need that, there is one refresh. A request raises `TokenMissing` when nobody
    is logged in, a `SessionError` when the session is over, and `StoreUnavailable` when the
    auth server does not answer: then the session is kept, and trying again may help.
    """

    def __init__(
        self,
        url: str,
        *,
        tokens: TokenStorage | None = None,
        origins: Collection[str] = (),
        tls: ssl.SSLContext | None = None,
        now: Callable[[], float] = wall_clock,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the addresses and the storage.

        Args:
            url: The address of the auth routes, e.g. "https://id.example.org/auth".
            tokens: The storage of the pair; in memory by default.
            origins: Origins to which tokens may be sent, e.g. "https://api.example.org". That
                of `url` always is one; requests to any other are rejected before they are sent.
            tls: How to check the auth server's certificate; by default as httpx does.
            now: The time that lifetimes are added to, in seconds since 1970.
            steady: A clock in seconds that never goes back.

        Raises:
            SettingsRejected: An address is neither https nor of this machine.
        """
        if isinstance(origins, str):
            raise SettingsRejected("origins is a collection of addresses")
        address = parse_address(url)
        self._tokens = MemoryTokens() if tokens is None else tokens
        self._origins = frozenset(
            _origin(each) for each in (address, *(parse_address(text) for text in origins))
        )
        server = AuthServer(address, tls=tls, now=now)
        self._refresher = Refresher(server, self._tokens, now=now, steady=steady)
        self._now = now
        self._chance: tuple[str, float] = ("", 0.0)

    def log_in(self, answer: Mapping[str, Any]) -> None:
        """Go on with the pair in the answer to a login, `POST /auth/login`.

        Raises:
            TokenMalformed: The answer holds no pair.
            TypeError: The answer is a response; pass the result of its `json()`.
        """
        if not isinstance(answer, Mapping):
            raise TypeError(
                f"log_in takes the members of the answer, not {type(answer).__name__}: give it "
                "response.json()"
            )
        self._tokens.save(Tokens.from_answer(answer, now=self._now()))

    def log_out(self) -> None:
        """Forget the pair and end its session; a refresh under way is forgotten too.

        Raises:
            StoreUnavailable: The end was not confirmed; the pair is kept, repeat.
        """
        flight = self._refresher.log_out()
        concurrent.futures.wait((flight.done,), _PATIENCE_S)
        flight.require_success()

    async def async_log_out(self) -> None:
        """`log_out` for `await`."""
        flight = self._refresher.log_out()
        await asyncio.wait((asyncio.wrap_future(flight.done),), timeout=_PATIENCE_S)
        flight.require_success()

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """The flow of an `httpx.Client`."""
        tokens, flight = self._begin(request)
        if flight is not None:
            concurrent.futures.wait((flight.done,), _PATIENCE_S)
            tokens = self._settle(tokens, flight)
        response = yield _signed(request, tokens)
        flight = self._answered(response, tokens)
        if flight is None or not _is_repeatable(request):
            return
        concurrent.futures.wait((flight.done,), _PATIENCE_S)
        renewed = flight.outcome()
        if renewed.access_token != tokens.access_token:
            yield _signed(request, renewed)

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """The flow of an `httpx.AsyncClient`."""
        tokens, flight = self._begin(request)
        if flight is not None:
            await asyncio.wait((asyncio.wrap_future(flight.done),), timeout=_PATIENCE_S)
            tokens = self._settle(tokens, flight)
        response = yield _signed(request, tokens)
        flight = self._answered(response, tokens)
        if flight is None or not _is_repeatable(request):
            return
        await asyncio.wait((asyncio.wrap_future(flight.done),), timeout=_PATIENCE_S)
        renewed = flight.outcome()
        if renewed.access_token != tokens.access_token:
            yield _signed(request, renewed)

    def _begin(self, request: httpx.Request) -> tuple[Tokens, Flight | None]:
        """The pair, and a refresh that must be waited for before it is used."""
        if _origin(request.url) not in self._origins:
            raise SettingsRejected(
                f"{_origin(request.url)} is not among the origins that tokens are sent to"
            )
        tokens = self._refresher.load()
        left_s = tokens.expires_at - self._now()
        if self._now() < tokens.due_at(self._chance_of(tokens)):
            return tokens, None
        try:
            flight = self._refresher.renew(tokens)
        except StoreUnavailable:
            if left_s > 0:
                return tokens, None
            raise
        return tokens, None if left_s > _ENOUGH_S else flight

    def _settle(self, tokens: Tokens, flight: Flight) -> Tokens:
        """The pair after a refresh; the pair before it while that is still accepted."""
        try:
            return flight.outcome()
        except StoreUnavailable:
            if tokens.expires_at > self._now():
                return tokens
            raise

    def _answered(self, response: httpx.Response, tokens: Tokens) -> Flight | None:
        """A refresh, when the server rejected the token (RFC 6750 §3.1) and not the request."""
        challenges = response.headers.get("www-authenticate", "")
        if response.status_code not in _STATUSES or not _REFUSED.search(challenges):
            return None
        return self._refresher.renew(tokens)

    def _chance_of(self, tokens: Tokens) -> float:
        """How early this pair is due, drawn once."""
        known, chance = self._chance
        if known != tokens.access_token:
            chance = random.random()  # noqa: S311 - nothing to guess
            self._chance = tokens.access_token, chance
        return chance


def _signed(request: httpx.Request, tokens: Tokens) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {tokens.access_token}"
    return request


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _is_repeatable(request: httpx.Request) -> bool:
    """Whether the body can be sent a second time."""
    return isinstance(request.stream, httpx.ByteStream)
