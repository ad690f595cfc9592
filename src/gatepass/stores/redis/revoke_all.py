"""Ending every session: first the epochs, then session after session, in small calls.

1. All epochs of a primary are raised before its sessions are looked for: a login that is under
   way then fails, and one that begins later belongs to the new epoch and stays.
2. `SCAN` returns every key that is there from its beginning to its end. A session that moves
   between cluster members meanwhile could be missed, so everything is done again unless the
   same primaries have the same partitions before and after.
3. The end is confirmed by reading the epochs once more, with `WAIT` or `WAITAOF` behind. Lower
   epochs mean that another primary took over, without these changes.
4. The time limit is for each exchange, and begins anew with each that succeeds: the whole may
   take long, a server that does not answer may not.
"""

import time
from collections.abc import Sequence
from itertools import count
from typing import Any, Final

from redis.exceptions import NoScriptError

from gatepass.errors import StoreUnavailable
from gatepass.stores.redis.attempts import Attempts, require_kept
from gatepass.stores.redis.layout import number_of, pieces
from gatepass.stores.redis.refusals import raise_refusal
from gatepass.stores.redis.scripts import Call, Scripts
from gatepass.stores.redis.target import Address
from gatepass.stores.redis.wire import STRANGE, Command, Exchange, Lost, Pause, Steps

_SCANNED: Final = 500
"""Keys that one `SCAN` looks at."""
_ATTEMPTS: Final = 4
"""At least so many; more within the time limit after the first that failed."""
_PAUSE_S: Final = 0.05
_SHARE: Final = 0.7
"""Of the time left that one exchange may take, so that another attempt is possible."""
_LEAST_S: Final = 0.1
_NEVER: Final = ["never"]
"""No key has this name. A cluster member that moves the partition away rejects a call with it."""


class RevokeAll:
    """One revocation of everybody's sessions."""

    def __init__(self, attempts: Attempts, scripts: Scripts, reason: str) -> None:
        self._attempts = attempts
        self._scripts = scripts
        self._why = pieces("w", reason)
        self._until = 0.0
        self._ended = 0

    def run(self) -> Steps[int]:
        """The number of live sessions that ended.

        Raises:
            StoreUnavailable: Some sessions may be left, or it was not confirmed; repeating ends
                the rest.
        """
        failure: Lost | None = None
        again_until = 0.0
        self._until = self._attempts.deadline()
        for attempt in count():
            if attempt == 1 and self._attempts.may_move:
                again_until = self._attempts.deadline()
            if attempt >= _ATTEMPTS and time.monotonic() >= again_until:
                break
            if attempt:
                yield Pause(_PAUSE_S)
            is_late = time.monotonic() + _LEAST_S >= self._until
            if is_late or (failure is not None and failure.is_final):
                break
            routes = self._attempts.routes
            try:
                primaries = yield from routes.find_all(self._until)
                for address, partitions in primaries.items():
                    yield from self._end_at(address, partitions)
                if (yield from routes.find_all(self._until)) == primaries:
                    return self._ended
            except Lost as lost:
                failure = lost
                for address in routes.known():
                    self._attempts.forget(address)
        raise StoreUnavailable(f"Redis: {failure or 'partitions kept moving'}") from failure

    def _end_at(self, address: Address, partitions: Sequence[int]) -> Steps[None]:
        """Raise the epochs of these partitions and end all their sessions, durably."""

        def raise_epochs(by: int) -> list[Call]:
            return [self._scripts.call("raise_epoch", each, _NEVER, by) for each in partitions]

        replies = yield from self._send(address, raise_epochs(1))
        raised = [number_of(reply) for reply in replies]
        yield from self._end_sessions(address)
        promise = yield from self._attempts.durability.look(address, self._seconds())
        wait = promise.command(self._seconds() * _SHARE)
        replies = yield from self._send(address, raise_epochs(0), *([wait] if wait else ()))
        if any(number_of(reply) < then for reply, then in zip(replies, raised, strict=False)):
            raise Lost("a primary was replaced")
        require_kept(promise, replies[len(partitions) :])

    def _end_sessions(self, address: Address) -> Steps[None]:
        cursor: bytes = b"0"
        while True:
            scan = ("SCAN", cursor, "MATCH", self._scripts.keys.pattern, "COUNT", _SCANNED)
            [reply] = yield from self._send(address, [], scan)
            match reply:
                case [bytes(cursor), list(keys)]:
                    pass
                case _:
                    raise Lost(STRANGE)
            if calls := self._older(keys):
                for ended in (yield from self._send(address, calls)):
                    self._ended += number_of(ended)
            if cursor == b"0":
                return

    def _older(self, keys: Sequence[bytes]) -> list[Call]:
        by_partition: dict[int, list[bytes]] = {}
        for key in keys:
            if found := self._scripts.keys.session_of_key(key):
                by_partition.setdefault(found[0], []).append(found[1])
        return [
            self._scripts.call("revoke_older", partition, [], len(self._why), *self._why, *ids)
            for partition, ids in by_partition.items()
        ]

    def _send(self, address: Address, calls: Sequence[Call], *others: Command) -> Steps[list[Any]]:
        """The replies to calls and other commands, sent together."""
        replies: list[Any] = []
        for by_sha in (True, False):
            commands = [call.command(by_sha=by_sha, again=False) for call in calls]
            replies = yield Exchange(address, [*commands, *others], self._seconds())
            if not any(isinstance(reply, NoScriptError) for reply in replies):
                break
        for reply in replies:
            raise_refusal(reply)
        self._until = self._attempts.deadline()
        return replies

    def _seconds(self) -> float:
        return (self._until - time.monotonic()) * _SHARE
