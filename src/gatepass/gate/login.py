"""The login: limit, `authenticate`, issue, in this order; answers do not tell why it failed."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gatepass.gate.hooks import Authenticate, LoginLimit
from gatepass.gate.maybe_await import settle
from gatepass.http import LOGIN_PROBLEMS, Credentials, Identity, RequestRefused, refusing
from gatepass.http.problems import INVALID_CREDENTIALS, RATE_LIMITED
from gatepass.manager import AsyncTokenManager, TokenManager
from gatepass.tokens import TokenPair
from gatepass.tokens.pair import is_subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Trades credentials for a token pair."""

    manager: TokenManager | AsyncTokenManager
    authenticate: Authenticate
    limit: LoginLimit | None
    call: Callable[..., Any]
    """Calls a function of the application that may block; the result may be awaitable."""

    async def log_in(
        self, credentials: Credentials, *, address: str, device: str | None
    ) -> TokenPair:
        """The first token pair of a new session.

        Raises:
            RequestRefused: Too many attempts, wrong credentials, or the store is down.
        """
        if self.limit is None:
            return await self._open_session(credentials, device)
        retry_after = await settle(self.limit.begin(address))
        if retry_after is not None:
            raise RequestRefused(RATE_LIMITED, retry_after=math.ceil(retry_after))
        failed = False
        try:
            return await self._open_session(credentials, device)
        except RequestRefused as refused:
            failed = refused.problem is INVALID_CREDENTIALS
            raise
        except asyncio.CancelledError:
            failed = True  # hanging up must not buy another guess
            raise
        finally:
            await settle(self.limit.end(address, failed=failed))

    async def _open_session(self, credentials: Credentials, device: str | None) -> TokenPair:
        with refusing(LOGIN_PROBLEMS):
            identity = await self._identify(credentials)
            if identity is None:
                raise RequestRefused(INVALID_CREDENTIALS)
            if identity.subject == credentials.username and not is_subject(identity.subject):
                # The application takes names for subjects: nobody can have this one.
                raise RequestRefused(INVALID_CREDENTIALS)
            return await settle(
                self.manager.issue(
                    identity.subject,
                    identity.claims,
                    session_claims=identity.session_claims,
                    device=device,
                    epoch=identity.epoch,
                )
            )

    async def _identify(self, credentials: Credentials) -> Identity | None:
        called = self.call(self.authenticate, credentials.username, credentials.password)
        found = await settle(await settle(called))
        if found is not None and not isinstance(found, Identity):
            raise TypeError(f"authenticate returns an Identity or None, not {type(found).__name__}")
        return found
