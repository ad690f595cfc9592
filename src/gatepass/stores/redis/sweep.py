"""How everybody's sessions are ended: epochs first, then session after session, in small steps."""

import time
from collections.abc import Sequence
from itertools import count
from typing import Any, Final

from redis.exceptions import NoScriptError

from gatepass.errors import StoreUnavailable
from gatepass.stores.redis.answers import number
from gatepass.stores.redis.calls import Calls, require_kept
from gatepass.stores.redis.layout import pieces
from gatepass.stores.redis.operations import Ask, Operations
from gatepass.stores.redis.refusals import raise_refusal
from gatepass.stores.redis.target import Address
from gatepass.stores.redis.wire import STRANGE, Exchange, Lost, Pause, Steps

_SCANNED: Final = 500
"""Keys that one step looks at."""
_ATTEMPTS: Final = 4
"""At least so many; more within the time limit after the first that failed."""
_PAUSE_S: Final = 0.05
_SHARE: Final = 0.7
_LEAST_S: Final = 0.1


class _Patience:
    """The time limit of a long work: it begins anew with whatever succeeds."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.until = calls.deadline()

    def renew(self) -> None:
        """Something succeeded."""
        self.until = self._calls.deadline()

    def seconds(self) -> float:
        """What the next step may take, so that there is time for another try."""
        return (self.until - time.monotonic()) * _SHARE

    def is_over(self) -> bool:
        """Whether nothing has succeeded for too long."""
        return time.monotonic() + _LEAST_S >= self.until


def revoke_all(calls: Calls, operations: Operations, reason: str) -> Steps[int]:
    """End every session there is now; how many were live.

    Each step is short. The time limit is for each, so that the whole may take long.

    Raises:
        StoreUnavailable: Not all is done, or not confirmed; repeating ends the rest.
    """
    patience = _Patience(calls)
    ended = 0
    failure: Lost | None = None
    until = 0.0
    for attempt in count():
        if attempt == 1:
            until = calls.deadline() if calls.may_move else 0.0
        if attempt >= _ATTEMPTS and time.monotonic() >= until:
            break
        if attempt:
            yield Pause(_PAUSE_S)
        if patience.is_over() or (failure is not None and failure.is_final):
            break
        try:
            primaries = yield from calls.routes.find_all(patience.until)
            for address, partitions in primaries.items():
                sweep = _Sweep(calls, operations, address, reason, patience)
                try:
                    yield from sweep.run(partitions)
                finally:
                    ended += sweep.ended
            after = yield from calls.routes.find_all(patience.until)
        except Lost as lost:
            failure = lost
            for address in calls.routes.known():
                calls.forget(address)
            continue
        if after == primaries:
            return ended
    raise StoreUnavailable(f"Redis: {failure or 'partitions kept moving'}") from failure


class _Sweep:
    """Goes through the keys of one server."""

    def __init__(
        self,
        calls: Calls,
        operations: Operations,
        address: Address,
        reason: str,
        patience: _Patience,
    ) -> None:
        self._calls = calls
        self._operations = operations
        self._address = address
        self._reason = pieces("w", reason)
        self._patience = patience
        self.ended = 0

    def run(self, partitions: Sequence[int]) -> Steps[None]:
        """Raise the epochs of these partitions and end all their sessions, durably."""
        asks = [self._operations.raise_epoch(partition) for partition in partitions]
        raised = yield from self._scripts(asks)
        yield from self._end_all()
        promise = yield from self._calls.durability.look(self._address, self._patience.seconds())
        asks = [self._operations.confirm(partition) for partition in partitions]
        if (yield from self._scripts(asks)) < raised:
            raise Lost("a primary was replaced")
        wait = promise.command(self._patience.seconds() * _SHARE)
        if wait is not None:
            require_kept(promise, (yield self._exchange([wait])))

    def _end_all(self) -> Steps[None]:
        cursor: bytes = b"0"
        pattern = self._operations.keys.pattern
        while True:
            scan = ("SCAN", cursor, "MATCH", pattern, "COUNT", _SCANNED)
            [reply] = yield self._exchange([scan])
            raise_refusal(reply)
            self._patience.renew()
            match reply:
                case [bytes(cursor), list(keys)]:
                    pass
                case _:
                    raise Lost(STRANGE)
            for answer in (yield from self._scripts(self._older(keys))):
                self.ended += answer
            if cursor == b"0":
                return

    def _older(self, keys: Sequence[bytes]) -> list[Ask]:
        by_partition: dict[int, list[bytes]] = {}
        for key in keys:
            if found := self._operations.keys.session_of_key(key):
                by_partition.setdefault(found[0], []).append(found[1])
        return [
            self._operations.revoke_older(partition, self._reason, session_ids)
            for partition, session_ids in by_partition.items()
        ]

    def _scripts(self, asks: Sequence[Ask]) -> Steps[list[int]]:
        """The answers of several scripts on this server, sent together."""
        replies: list[Any] = []
        for by_sha in (True, False) if asks else ():
            commands = [ask.command(by_sha=by_sha, again=False) for ask in asks]
            replies = yield self._exchange(commands)
            if not any(isinstance(reply, NoScriptError) for reply in replies):
                break
        for reply in replies:
            raise_refusal(reply)
        self._patience.renew()
        return [number(reply) for reply in replies]

    def _exchange(self, commands: Sequence[Any]) -> Exchange:
        return Exchange(self._address, commands, self._patience.seconds())
