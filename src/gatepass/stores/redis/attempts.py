"""A call of a script, from the first attempt to the reply that counts; no I/O here.

The rules, and why a caller may rely on the reply:

1. Every call may be repeated, so a lost reply is no failure yet. A script knows its own earlier
   run. `rotate` and the revocations of sessions carry eight random bytes, the same in every
   attempt: the script stores them with the change, and gives the first reply again when it
   finds them. `issue` and `issue_opaque` are told that the call is repeated (`says_again`), and
   accept a row that has the same secret or the same token. `revoke_token` does the same thing
   twice. `limits` may count or give back twice, and the other scripts change nothing.
2. One deadline bounds all attempts: 80 % of the store's timeout, so that callers hear in time on
   a busy machine too. An attempt gets half of the time left, or 80 % when it waits for replicas;
   the last one gets all. So a dead connection never uses up the time for another server.
3. A change counts once replicas or the disk have it (`Promise`). `WAIT` and `WAITAOF` cover the
   writes of their own connection only, so they are sent in the same exchange as the script. A
   reply that turns out to need them, such as a reuse, makes the call once more with them. A
   script that finds its work done writes something small (`touch` in Lua), because `WAIT`
   without a write on this connection would cover nothing.
4. Partitions move between cluster members. `MOVED` names the new member for good, `ASK` for one
   call. Both are followed within the attempt, but only for scripts that touch no other keys than
   `KEYS`: the others would take a session that has not moved yet for a missing one. They are
   repeated until the move is over, as after `TRYAGAIN`.
5. A server is trusted only as long as it answers. After a lost reply, a rejection or a missing
   confirmation its partitions are looked up again. Under Sentinel, `Guard` checks once a second
   that a server that no replica has to confirm still is the primary.
6. Three failures are final: a server that does not let us in, an error that lasts, and a change
   that was not confirmed in time. The change may be there then, and the caller may repeat it.
7. Calls for one server are sent together. The first call is done before any other counts, and
   a repeat sends only those that have no reply yet. A script that the server does not know is sent
   again with all calls behind it, since those ran before it.
"""

import time
from collections.abc import Sequence
from typing import Any, Final

from redis.exceptions import AskError, MovedError, NoScriptError, ResponseError

from gatepass.errors import StoreUnavailable
from gatepass.stores.redis.durability import INFO, Durability, Promise
from gatepass.stores.redis.primaries import WHO, Guard
from gatepass.stores.redis.refusals import raise_refusal
from gatepass.stores.redis.routes import Routes
from gatepass.stores.redis.scripts import Call
from gatepass.stores.redis.target import Address, Layout, Target
from gatepass.stores.redis.wire import Command, Exchange, Lost, Pause, Steps

_HEADROOM: Final = 0.8
_SHARE: Final = 0.5
_DURABLE_SHARE: Final = 0.8
_ANSWER_S: Final = 0.15
"""Kept back of an attempt's time for the reply to a `WAIT` that reached its limit."""
_PAUSES: Final = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.4, 0.4)
_PAUSES_OF_ONE: Final = _PAUSES[:3]
"""A single server that rejects connections is down; elsewhere another may be taking over."""


class Attempts:
    """Makes calls on one target."""

    def __init__(self, target: Target, limit_s: float) -> None:
        self.routes = Routes(target)
        self.durability = Durability(target)
        self._guard = Guard(target)
        self.limit_s = limit_s * _HEADROOM
        self.may_move = target.layout is not Layout.SINGLE
        self._pauses = _PAUSES if self.may_move else _PAUSES_OF_ONE

    def deadline(self) -> float:
        """The moment by which something that begins now has to end."""
        return time.monotonic() + self.limit_s

    def run(self, *calls: Call) -> Steps[list[Any]]:
        """The replies to these calls, durable where they have to be.

        Either all of the calls have `is_durable` set, or none.

        Raises:
            StoreUnavailable: A call was not done or not confirmed; others may be.
        """
        deadline = self.deadline()
        left = dict(enumerate(calls))
        replies: dict[int, Any] = {}
        reason: Exception | None = None
        for attempt, pause in enumerate(self._pauses):
            if pause and deadline - time.monotonic() > pause:
                yield Pause(pause)
            if time.monotonic() >= deadline:
                break
            address = None
            try:
                while left:
                    first = next(iter(left))
                    address = yield from self.routes.find(left[first].partition, deadline)
                    here = [
                        each
                        for each, call in left.items()
                        if each == first or self.routes.is_at(address, call.partition)
                    ]
                    those = [left[each] for each in here]
                    found = yield from self._attempt(address, those, attempt, deadline)
                    for each, reply in zip(here, found, strict=True):
                        replies[each] = reply
                        del left[each]
                return [replies[each] for each in range(len(calls))]
            except Lost as lost:
                reason = lost
                self.forget(address)
                if lost.is_final:
                    break
            except StoreUnavailable:  # rejected or not confirmed: another may have taken over
                if address is not None:
                    self.routes.forget(address)
                raise
        raise StoreUnavailable(f"Redis: {reason or 'no answer in time'}") from reason

    def forget(self, address: Address | None) -> None:
        """Drop all knowledge of this server, so that the next call looks it up."""
        if address is not None:
            self.routes.forget(address)
            self.durability.forget(address)

    def _attempt(
        self, address: Address, calls: Sequence[Call], attempt: int, deadline: float
    ) -> Steps[list[Any]]:
        """The replies of one server, durable where they have to be; see rules 2, 3 and 4."""
        until = time.monotonic() + self._share_of(attempt, calls[0], deadline)
        promise, again, asking = None, attempt > 0, False
        if calls[0].is_durable:
            promise = yield from self.durability.find(address, until - time.monotonic())
        while True:
            replies, waited = yield from self._send(
                address, calls, promise, until, again=again, asking=asking
            )
            self._note_moves(address, calls, replies)
            first = replies[0]
            if isinstance(first, AskError) and calls[0].script.names_its_keys and not asking:
                address, asking = (first.host or address[0], first.port), True
                continue
            for reply in replies:
                if isinstance(reply, ResponseError):
                    raise_refusal(reply)
            if not any(map(Call.must_be_durable, calls, replies)):
                return replies
            if promise is not None:
                require_kept(promise, waited)
                return replies
            promise = yield from self.durability.find(address, deadline - time.monotonic())
            if promise.command(1.0) is None and not self.durability.is_old(address):
                return replies
            until, again = deadline, True

    def _share_of(self, attempt: int, call: Call, deadline: float) -> float:
        is_last = attempt == len(self._pauses) - 1
        share = 1.0 if is_last else _DURABLE_SHARE if call.is_durable else _SHARE
        return (deadline - time.monotonic()) * share

    def _note_moves(self, address: Address, calls: Sequence[Call], replies: Sequence[Any]) -> None:
        for call, reply in zip(calls, replies, strict=True):
            if isinstance(reply, MovedError):  # an `AskError`, too
                self.routes.moved(call.partition, reply.host, reply.port, address)

    def _send(
        self,
        address: Address,
        calls: Sequence[Call],
        promise: Promise | None,
        until: float,
        *,
        again: bool,
        asking: bool = False,
    ) -> Steps[tuple[list[Any], list[Any]]]:
        """The replies to the calls, and that to `WAIT` if there is one; errors included.

        Raises:
            StoreUnavailable: The server keeps less than it did.
            Lost: The server may have been replaced.
        """
        guard = self._guard  # where no replica confirms
        looks = promise is None and guard.is_needed and guard.is_due(address)
        is_old = promise is not None and self.durability.is_old(address)
        sent = time.monotonic()
        replies: list[Any] = [None] * len(calls)
        first = 0
        for by_sha in (True, False):
            seconds = until - time.monotonic()
            commands: list[Command] = [("ASKING",)] if asking else []
            is_repeated = again or not by_sha
            commands += [call.command(by_sha=by_sha, again=is_repeated) for call in calls[first:]]
            wait = None if promise is None else promise.command(seconds - _ANSWER_S)
            if wait is not None:
                commands.append(wait)
            if looks or is_old:
                commands.append(WHO if looks else INFO)
            found = (yield Exchange(address, commands, seconds))[asking:]
            behind = found[len(calls) - first :]
            replies[first:] = found[: len(calls) - first]
            unknown = [isinstance(reply, NoScriptError) for reply in replies]
            if not any(unknown):
                break
            first = unknown.index(True)
        if is_old:
            self.durability.learn(address, behind.pop())
        if looks:
            yield from guard.require(address, behind.pop(), sent, until)
        return replies, behind


def require_kept(promise: Promise, replies: Sequence[Any]) -> None:
    """Raise unless the change is durable; the first of the replies is that to `WAIT`.

    Raises:
        StoreUnavailable: The change was not confirmed; repeating is safe.
        Lost: The server changed its role meanwhile.
    """
    if promise.command(1.0) is None:
        return
    reply = replies[0]
    raise_refusal(reply)
    if not promise.is_kept(reply):
        who = "replicas" if promise.replicas else "the disk"
        raise StoreUnavailable(f"Redis did the change, but {who} did not confirm it in time")
