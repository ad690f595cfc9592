"""`GET /readyz`: whether requests can be answered; which parts are stale or down, why, how long.

1. Each part is tried the way that requests use it: the keys must be there, the accounts are read,
   and the sessions are written, since a full or read-only database answers every read.
2. The write raises the epoch of a subject that no account can have, so it changes one row, and the
   database confirms it as it confirms a revocation.
3. One try serves all callers for five seconds, so that nobody makes the server write by calling.
   The replica answers from memory, each time.
4. The answer holds no address, no path, no secret, and not how many revocations there are.
5. An exception that nobody expects is logged once, and its part is down until it works.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from math import inf
from time import monotonic
from typing import Any, Final, Protocol

import structlog

from gatepass.errors import StoreUnavailable
from gatepass.http import Answer, RequestRefused, answer_json, answer_refused
from gatepass.http.problems import STORE_UNAVAILABLE
from gatepass.manager import AsyncTokenManager
from gatepass.revocations.staleness import ReplicaStatus
from gatepass.server.accounts import Accounts
from gatepass.sessions import AsyncRevocations

_READY: Final = "ready"
_FAILS_OPEN: Final = "ready, but tokens that may be revoked are accepted"
_NOT_READY: Final = "not ready"
_FAULT: Final = "a fault: the log has the cause"
_KEPT_S: Final = 5.0

_log = structlog.stdlib.get_logger(__name__)


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
    """Tries the parts, and keeps what it found for a while."""

    def __init__(
        self,
        accounts: Accounts,
        manager: AsyncTokenManager,
        replica: Follows,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        store: Any = manager.store  # the server's own: each has `try_write`
        self._parts: Mapping[str, Callable[[], Awaitable[object]]] = {
            "keys": lambda: _sign(manager),
            "accounts": lambda: asyncio.to_thread(accounts.is_empty),
            "sessions": store.try_write,
        }
        self._replica = replica
        self._clock = clock
        self._trying = asyncio.Lock()
        self._try_at = -inf
        self._down: dict[str, tuple[float, str]] = {}

    async def answer(self) -> Answer:
        """200 when ready, else 503 with `Retry-After`; the body names the reasons.

        A server that fails open is ready once it has read the log, stale or not, and also while
        nobody can write sessions: a balancer must not undo what the operator chose.
        """
        ready = _READY
        async with self._trying:
            if self._clock() >= self._try_at:
                await asyncio.gather(*map(self._try_part, self._parts))
                self._try_at = self._clock() + _KEPT_S
        is_fresh = await self._replica.fresh()
        status = self._replica.status()
        told = status.to_dict()
        del told["entries"]
        down = set(self._down)
        if status.fails_open and (not is_fresh or "sessions" in down):
            is_fresh, down = status.age < inf, down - {"sessions"}
            ready = _FAILS_OPEN
        is_ready = is_fresh and not down
        content = {
            "status": ready if is_ready else _NOT_READY,
            "revocations": told,
            **{name: self._told(name) for name in self._parts},
        }
        if is_ready:
            return answer_json(content)
        refused = answer_refused(RequestRefused(STORE_UNAVAILABLE))
        return Answer(refused.status, refused.headers, answer_json(content).body)

    async def _try_part(self, name: str) -> None:
        began = self._clock()
        try:
            await self._parts[name]()
        except Exception as error:  # noqa: BLE001 - else nothing is kept, and the next caller writes
            since, before = self._down.get(name, (began, ""))
            why = str(error) if isinstance(error, StoreUnavailable) else _FAULT
            if why == _FAULT != before:
                _log.exception("a part of the server cannot be tried", part=name)
            self._down[name] = since, why
        else:
            self._down.pop(name, None)

    def _told(self, name: str) -> dict[str, object]:
        since, why = self._down.get(name, (None, None))
        return {"down_for": since and round(self._clock() - since, 3), "why_down": why}


async def _sign(manager: AsyncTokenManager) -> None:
    """Raise if there are no keys to sign with."""
    manager.access_keys.current()
