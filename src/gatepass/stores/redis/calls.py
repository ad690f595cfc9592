"""How an operation is carried out: find the server, run the script, confirm, repeat if lost.

Every script may be repeated: what it did the first time it finds done the second time.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from redis.exceptions import AskError, MovedError, NoScriptError

from gatepass.errors import StoreUnavailable
from gatepass.stores.redis.answers import needs_confirmation
from gatepass.stores.redis.durability import INFO, Durability, Promise
from gatepass.stores.redis.operations import Ask
from gatepass.stores.redis.primaries import WHO, Guard
from gatepass.stores.redis.refusals import raise_refusal
from gatepass.stores.redis.routes import Routes
from gatepass.stores.redis.target import Address, Layout, Target
from gatepass.stores.redis.wire import Command, Exchange, Lost, Pause, Steps

_SHARE: Final = 0.5
"""Of the time left that one attempt may take, so that a dead connection is not all there is."""
_DURABLE_SHARE: Final = 0.8
_ANSWER_S: Final = 0.15
"""What is kept back of an attempt's time for the answer to a `WAIT` that ran into its limit."""
_PAUSES: Final = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.4, 0.4)
_PAUSES_OF_ONE: Final = _PAUSES[:3]
"""A single server that refuses connections is down; elsewhere another may be taking over."""
_HEADROOM: Final = 0.8
"""Of the time limit, so that callers hear within it on a busy machine too."""


class Calls:
    """Carries out asks on one target."""

    def __init__(self, target: Target, limit_s: float) -> None:
        self.routes = Routes(target)
        self.durability = Durability(target)
        self._guard = Guard(target)
        self.limit_s = limit_s * _HEADROOM
        self.may_move = target.layout is not Layout.SINGLE
        self._pauses = _PAUSES if self.may_move else _PAUSES_OF_ONE

    def deadline(self) -> float:
        """When something that begins now has to be over."""
        return time.monotonic() + self.limit_s

    def perform(self, ask: Ask) -> Steps[Any]:
        """The script's answer, confirmed where it has to be.

        Raises:
            StoreUnavailable: It was not done, or not confirmed.
        """
        [answer] = yield from self.perform_all([ask])
        return answer

    def perform_all(self, asks: Sequence[Ask]) -> Steps[list[Any]]:
        """The answers of scripts that are alike in being durable, each server's sent together.

        The first ask is done before any of the others counts as done.

        Raises:
            StoreUnavailable: One of them was not done, or not confirmed; others may be.
        """
        deadline = self.deadline()
        answers: dict[int, Any] = {}
        reason: Exception | None = None
        for attempt, pause in enumerate(self._pauses):
            if pause and deadline - time.monotonic() > pause:
                yield Pause(pause)
            if time.monotonic() >= deadline:
                break
            address = None
            try:
                for number, ask in enumerate(asks):
                    if number not in answers:
                        address = yield from self.routes.find(ask.partition, deadline)
                        here = self._together(address, asks, answers)
                        those = [asks[each] for each in here]
                        found = yield from self._run(address, those, attempt, deadline)
                        answers |= zip(here, found, strict=True)
                return [answers[number] for number, _ in enumerate(asks)]
            except Lost as lost:
                reason = lost
                self.forget(address)
                if lost.is_final:
                    break
            except StoreUnavailable:  # refused or not confirmed: another may have taken over
                if address is not None:
                    self.routes.forget(address)
                raise
        raise StoreUnavailable(f"Redis: {reason or 'no answer in time'}") from reason

    def _together(
        self, address: Address, asks: Sequence[Ask], answers: Mapping[int, Any]
    ) -> list[int]:
        """Which asks without an answer are for this server, in their order."""
        return [
            number
            for number, ask in enumerate(asks)
            if number not in answers and self.routes.is_at(address, ask.partition)
        ]

    def forget(self, address: Address | None) -> None:
        """Take nothing for granted of this server any more."""
        if address is not None:
            self.routes.forget(address)
            self.durability.forget(address)

    def _run(
        self, address: Address, asks: Sequence[Ask], attempt: int, deadline: float
    ) -> Steps[list[Any]]:
        """The answers of these scripts, of which all or none have to be durable."""
        first = asks[0]
        left = deadline - time.monotonic()
        is_last = attempt == len(self._pauses) - 1
        share = 1.0 if is_last else _DURABLE_SHARE if first.is_durable else _SHARE
        until = time.monotonic() + left * share
        promise = None
        if first.is_durable:
            promise = yield from self.durability.find(address, left * share)
        again = attempt > 0
        replies = yield from self._send(address, asks, again, promise, until)
        if isinstance(replies[0], AskError) and first.script.names_its_keys:
            asked = replies[0]
            address = (asked.host or address[0], asked.port)
            replies = yield from self._send(address, asks, again, promise, until, asking=True)
        answers, waited = replies[: len(asks)], replies[len(asks) :]
        self._require_here(address, asks, answers)
        if any(map(_is_to_be_confirmed, asks, answers)):
            if promise is None:
                promise, waited = yield from self._wait(address, deadline)
            require_kept(promise, waited)
        return answers

    def _require_here(self, address: Address, asks: Sequence[Ask], answers: Sequence[Any]) -> None:
        """Refuse answers that are errors; where partitions have gone is remembered.

        Raises:
            Lost: One is of another server by now, or the server may have been replaced.
        """
        has_moved = False
        for ask, answer in zip(asks, answers, strict=True):
            if isinstance(answer, MovedError):
                self.routes.moved(ask.partition, answer.host, answer.port, address)
                has_moved = True
        if has_moved:
            raise Lost("a partition has moved")
        for answer in answers:
            raise_refusal(answer)

    def _send(
        self,
        address: Address,
        asks: Sequence[Ask],
        again: bool,  # noqa: FBT001 (told, not chosen)
        promise: Promise | None,
        until: float,
        *,
        asking: bool = False,
    ) -> Steps[list[Any]]:
        """The replies to scripts, wait and perhaps `INFO`; by text where one is not known yet.

        Raises:
            Lost: The server may have been replaced.
        """
        before: list[Command] = [("ASKING",)] if asking else []
        looks = promise is None and self._guard.is_due(address)  # else replicas confirm
        sent = time.monotonic()
        replies: list[Any] = []
        for by_sha in (True, False):
            seconds = until - time.monotonic()
            commands = [*before, *(ask.command(by_sha=by_sha, again=again) for ask in asks)]
            wait = None if promise is None else promise.command(seconds - _ANSWER_S)
            if wait is not None:
                commands.append(wait)
            is_old = promise is not None and self.durability.is_old(address)
            if is_old:
                commands.append(INFO)
            if looks:
                commands.append(WHO)
            replies = (yield Exchange(address, commands, seconds))[len(before) :]
            if is_old:
                self.durability.learn(address, replies[-1])
            if not any(isinstance(reply, NoScriptError) for reply in replies):
                break
        if looks:
            yield from self._guard.require(address, replies.pop(), sent, until)
        return replies

    def _wait(self, address: Address, until: float) -> Steps[tuple[Promise, list[Any]]]:
        """Confirm what the script did that was sent before, over the same connection."""
        promise = yield from self.durability.find(address, until - time.monotonic())
        seconds = until - time.monotonic()
        wait = promise.command(seconds - _ANSWER_S)
        commands = [] if wait is None else [wait]
        is_old = self.durability.is_old(address)
        if is_old:
            commands.append(INFO)
        replies = (yield Exchange(address, commands, seconds)) if commands else []
        if is_old:
            self.durability.learn(address, replies.pop())
        return promise, replies


_CONFIRMED: Final = frozenset(
    {"issue", "rotate", "revoke_session", "revoke_token", "revoke_subject", "revoke_actor"}
)


def _is_to_be_confirmed(ask: Ask, answer: Any) -> bool:
    return ask.script.name in _CONFIRMED and needs_confirmation(ask.script.name, answer)


def require_kept(promise: Promise, replies: Sequence[Any]) -> None:
    """Refuse to acknowledge what is not durable; the first of `replies` is the wait's.

    Raises:
        StoreUnavailable: It is not confirmed; repeating is safe.
        Lost: The server changed its role meanwhile.
    """
    if promise.command(1.0) is None:
        return
    reply = replies[0]
    raise_refusal(reply)
    if not promise.is_kept(reply):
        who = "replicas" if promise.replicas else "the disk"
        raise StoreUnavailable(f"Redis did the change, but {who} did not confirm it in time")
