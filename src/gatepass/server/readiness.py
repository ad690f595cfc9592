"""`GET /readyz`: whether requests can be answered; which parts are stale or down, how long."""

import asyncio
from collections.abc import Callable
from math import inf
from time import monotonic
from typing import Any, Final, Protocol

from gatepass.errors import StoreUnavailable
from gatepass.http import Answer, RequestRefused, answer_json, answer_refused
from gatepass.http.problems import STORE_UNAVAILABLE
from gatepass.revocations.staleness import ReplicaStatus
from gatepass.server.accounts import Accounts
from gatepass.sessions import AsyncRevocations

_READY: Final = "ready"
_FAILS_OPEN: Final = "ready, but tokens that may be revoked are accepted"
_NOT_READY: Final = "not ready"
_LOOK_S: Final = 1.0
"""Seconds between two checks of the accounts, however often `/readyz` is called."""


class Follows(AsyncRevocations, Protocol):
    """A replica as the server uses it, of whichever database."""

    async def start(self) -> None:
        """Begin to read."""
        ...

    async def fresh(self) -> bool:
        """Whether it answers from memory."""
        ...

    def status(self) -> ReplicaStatus:
        """The state of the copy: how old it is, and whether reading fails."""
        ...

    async def close(self) -> None:
        """Stop reading."""
        ...


class Readiness:
    """Checks the replica and the accounts; its answers hold no address and no secret."""

    def __init__(
        self,
        accounts: Accounts,
        replica: Follows,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._accounts = accounts
        self._replica = replica
        self._clock = clock
        self._looking = asyncio.Lock()
        self._look_at = 0.0
        self._down_since: float | None = None

    async def answer(self) -> Answer:
        """200 when ready, else 503 with `Retry-After`; the body names the reason.

        A server that fails open is ready once it has read the log, stale or not.
        """
        content: dict[str, Any] = {"status": _READY, "accounts": await self._look_at_accounts()}
        is_ready = self._down_since is None
        is_fresh = await self._replica.fresh()
        status = self._replica.status()
        content["revocations"] = status.to_dict()
        if not is_fresh:
            content["status"] = _FAILS_OPEN
            is_ready = is_ready and status.fails_open and status.age < inf
        if is_ready:
            return answer_json(content)
        body = answer_json({**content, "status": _NOT_READY}).body
        refused = answer_refused(RequestRefused(STORE_UNAVAILABLE))
        return Answer(refused.status, refused.headers, body)

    async def _look_at_accounts(self) -> dict[str, object]:
        """For how many seconds the accounts have been down, or `None`."""
        async with self._looking:
            if self._clock() >= self._look_at:
                began = self._clock()
                try:
                    await asyncio.to_thread(self._accounts.is_empty)
                except StoreUnavailable:
                    if self._down_since is None:
                        self._down_since = began
                else:
                    self._down_since = None
                self._look_at = self._clock() + _LOOK_S
        since = self._down_since
        return {"down_for": None if since is None else round(self._clock() - since, 3)}
