"""Requests to the auth server: the next pair, and the end of a session."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, Final

import httpx
import msgspec

from gatepass._exchange import ExchangeFailed, Reply, default_tls, exchange, new_client
from gatepass.errors import (
    GatepassError,
    RefreshReused,
    SessionExpired,
    SessionRevoked,
    SessionUnknown,
    StoreUnavailable,
    TokenMalformed,
)
from gatepass.httpx.tokens import Tokens

_MAX_SIZE: Final = 64 * 1024
_HOLD_S: Final = 10.0
"""How long a refresh may take, repetitions included."""
_ATTEMPT_S: Final = 4.5
"""How long one attempt may. Its answer may be lost after the server has rotated, which repeats
it for its `rotation_leeway`, 30 s by default: the second attempt has to come within them."""
_ATTEMPTS: Final = 3
_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 4.0
_LONGEST_WAIT_S: Final = 300
"""The longest `Retry-After` that is respected, in seconds; a proxy may send any number."""
_OK: Final = 200
_REFUSED: Final = 400
_TOO_MANY: Final = 429
_SERVER_FAULT: Final = 500
_ENDED: Final[dict[str, type[GatepassError]]] = {
    "refresh_revoked": SessionRevoked,
    "refresh_expired": SessionExpired,
    "refresh_reused": RefreshReused,
    "refresh_invalid": SessionUnknown,
    "invalid_grant": SessionUnknown,
}
"""Errors that end a session, by `code`; others may come from a proxy or a wrong address."""


class AuthServer:
    """The routes below one address."""

    def __init__(
        self, url: httpx.URL, *, tls: ssl.SSLContext | None, now: Callable[[], float]
    ) -> None:
        self._url = str(url).removesuffix("/")
        self._tls = tls
        self._now = now

    async def refresh(self, refresh_token: str) -> Tokens:
        """The next pair; failures that may pass are repeated for a while.

        Raises:
            SessionError: The session is over.
            StoreUnavailable: There was no answer that says so; the session may be fine.
        """
        try:
            async with asyncio.timeout(_HOLD_S):
                for attempt in range(1, _ATTEMPTS + 1):
                    reply, failure = await self._attempt(refresh_token)
                    if reply is not None and not _may_pass(reply):
                        return self._conclude(reply)
                    pause_s = max(_PAUSE_S * attempt, failure.retry_after or 0)
                    if attempt == _ATTEMPTS or pause_s > _LONGEST_PAUSE_S:
                        raise failure
                    await asyncio.sleep(pause_s)
        except TimeoutError:
            pass
        raise StoreUnavailable(f"the auth server did not answer within {_HOLD_S:g} s")

    async def log_out(self, refresh_token: str) -> None:
        """End the session; one that had ended already is fine.

        Raises:
            StoreUnavailable: The server did not confirm the end of the session.
        """
        try:
            async with asyncio.timeout(_HOLD_S):
                reply, failure = await self._try("logout", refresh_token)
        except TimeoutError:
            raise StoreUnavailable("the auth server did not confirm the logout") from None
        if reply is None or (reply.status != _OK and _code(reply) not in _ENDED):
            raise failure

    async def _attempt(self, refresh_token: str) -> tuple[Reply | None, StoreUnavailable]:
        try:
            async with asyncio.timeout(_ATTEMPT_S):
                return await self._try("refresh", refresh_token)
        except TimeoutError:
            return None, StoreUnavailable("the auth server did not answer in time")

    async def _try(self, route: str, refresh_token: str) -> tuple[Reply | None, StoreUnavailable]:
        """The answer, and the error to raise if the answer is not accepted."""
        url = httpx.URL(f"{self._url}/{route}")
        try:
            if self._tls is None:
                self._tls = default_tls()
            async with new_client(url, self._tls, _HOLD_S) as client:
                request = client.build_request("POST", url, json={"refresh_token": refresh_token})
                reply = await exchange(client, request, max_size=_MAX_SIZE)
        except ExchangeFailed as error:
            return None, StoreUnavailable(f"the auth server: {error}")
        failure = StoreUnavailable(f"the auth server answered {route} with {reply.status}")
        failure.retry_after = _retry_after(reply)
        return reply, failure

    def _conclude(self, reply: Reply) -> Tokens:
        if reply.status == _OK:
            try:
                return Tokens.from_answer(_members(reply), now=self._now())
            except TokenMalformed:
                raise StoreUnavailable("the auth server's answer holds no tokens") from None
        ended = _ENDED.get(_code(reply)) if reply.status >= _REFUSED else None
        if ended is not None:
            raise ended
        raise StoreUnavailable(f"the auth server answered the refresh with {reply.status}")


def _may_pass(reply: Reply) -> bool:
    return reply.status == _TOO_MANY or reply.status >= _SERVER_FAULT


def _retry_after(reply: Reply) -> int | None:
    text = reply.headers.get("retry-after", "")
    if not (text.isascii() and text.isdigit()):
        return None
    return _LONGEST_WAIT_S if len(text) > len("9999") else min(int(text), _LONGEST_WAIT_S)


def _code(reply: Reply) -> str:
    """The `code` of the body, or RFC 6749's `error`."""
    members = _members(reply)
    code = members.get("code", members.get("error"))
    return code if isinstance(code, str) else ""


def _members(reply: Reply) -> dict[str, Any]:
    try:
        return msgspec.json.decode(reply.body, type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return {}
