"""The log-in: limit, `authenticate`, issue; in this order, and nothing is said about why not."""

import asyncio
import inspect
import math
from dataclasses import dataclass

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from gatepass.fastapi.hooks import Authenticate, LoginLimit
from gatepass.http import (
    LOGIN_DOOR,
    Credentials,
    Identity,
    RequestRefused,
    door,
    parse_device,
)
from gatepass.http.problems import INVALID_CREDENTIALS, RATE_LIMITED
from gatepass.manager import AsyncTokenManager
from gatepass.tokens import TokenPair


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Trades credentials for a token pair."""

    manager: AsyncTokenManager
    authenticate: Authenticate
    limit: LoginLimit | None

    async def log_in(self, request: Request, credentials: Credentials) -> TokenPair:
        """The first token pair of a new session.

        Raises:
            RequestRefused: Too many attempts, wrong credentials, or the store is down.
        """
        address = request.client.host if request.client else "unknown"
        if self.limit is None:
            return await self._open_session(request, credentials)
        retry_after = await self.limit.begin(address)
        if retry_after is not None:
            raise RequestRefused(RATE_LIMITED, retry_after=math.ceil(retry_after))
        failed = False
        try:
            return await self._open_session(request, credentials)
        except RequestRefused as refused:
            failed = refused.problem is INVALID_CREDENTIALS
            raise
        except asyncio.CancelledError:
            failed = True  # hanging up must not buy another guess
            raise
        finally:
            await self.limit.end(address, failed=failed)

    async def _open_session(self, request: Request, credentials: Credentials) -> TokenPair:
        with door(LOGIN_DOOR):
            identity = await self._identify(credentials)
            if identity is None:
                raise RequestRefused(INVALID_CREDENTIALS)
            return await self.manager.issue(
                identity.subject,
                identity.claims,
                device=parse_device(request.headers.get("user-agent")),
                epoch=identity.epoch,
            )

    async def _identify(self, credentials: Credentials) -> Identity | None:
        username, password = credentials.username, credentials.password
        if inspect.iscoroutinefunction(self.authenticate):
            found = await self.authenticate(username, password)
        else:
            found = await run_in_threadpool(self.authenticate, username, password)
            if inspect.isawaitable(found):
                found = await found
        if found is not None and not isinstance(found, Identity):
            raise TypeError(f"authenticate returns an Identity or None, not {type(found).__name__}")
        return found
