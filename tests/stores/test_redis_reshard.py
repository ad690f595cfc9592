"""Partitions that move between members of a Cluster while they are used: nothing is lost."""

import asyncio
import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.sessions import IssuePlan, RotationKind, Session, partition_of
from gatepass.sessions.session import partition_digits
from tests.budget import TIMES
from tests.servers.redis_sets import ServerSet, start_cluster
from tests.servers.reshard import Move
from tests.stores.plans import log_in, present
from tests.stores.redis_backends import redis_store_at
from tests.stores.twins import Runner

MOVING = (0, 5, 8)
USERS = 6
PAUSE_S = 0.01

pytestmark = pytest.mark.chaos


@pytest.fixture(params=["redis 8", "valkey"])
def servers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServerSet]:
    servers = start_cluster(request.param, tmp_path)
    yield servers
    servers.stop()


def subjects(name: str, partition: int) -> Iterator[str]:
    names = (f"{name} {number}" for number in itertools.count())
    return (name for name in names if partition_of(partition_digits(name)) == partition)


@dataclass
class Ledger:
    """What was acknowledged, and what was answered."""

    issued: set[str] = field(default_factory=set)
    revoked: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    facts: Counter[str] = field(default_factory=Counter)

    def require(self, what: str, *, holds: bool) -> None:
        if not holds:
            self.wrong.append(what)


class User:
    """Logs in, refreshes, and ends what it began in one of three ways, over and over."""

    def __init__(self, store: Any, runner: Runner | None, ledger: Ledger, number: int) -> None:
        self.store = store
        self.runner = runner
        self.ledger = ledger
        names = subjects(f"user {number}", MOVING[number % len(MOVING)])
        self.sessions: dict[str, set[str]] = {next(names): set() for _ in range(4)}
        self.random = random.Random(number)

    def ask(self, call: Callable[[Any], Any]) -> Any:
        answer = call(self.store)
        return answer if self.runner is None else self.runner.run(answer)

    def insist(self, call: Callable[[Any], Any], over: threading.Event) -> tuple[Any, bool]:
        """The answer, and whether it was not the first try's."""
        for attempt in itertools.count():
            try:
                return self.ask(call), attempt > 0
            except StoreUnavailable:
                self.ledger.facts["unavailable"] += 1
                if over.is_set() and attempt > 20:
                    raise
        raise AssertionError

    def live(self, over: threading.Event) -> None:
        while not over.is_set():
            subject = self.random.choice(list(self.sessions))
            plan, session = self.log_in(subject, over)
            if session is None:  # it was there from a try that was not acknowledged
                continue
            self.ledger.issued.add(plan.session_id)
            self.sessions[subject].add(plan.session_id)
            for generation in range(self.random.randrange(1, 4)):
                self.refresh(plan.session_id, generation, over)
            self.require_live(plan.session_id)
            self.end(subject, plan.session_id, over)
            time.sleep(PAUSE_S)

    def log_in(self, subject: str, over: threading.Event) -> tuple[IssuePlan, Session | None]:
        plan = log_in(subject)
        try:
            return plan, self.insist(lambda store: store.issue(plan), over)[0]
        except ValueError:  # in use by a try before, whose answer was lost
            return plan, None

    def refresh(self, session_id: str, generation: int, over: threading.Event) -> None:
        plan = present(session_id, generation)
        fact, again = self.insist(lambda store: store.rotate(plan), over)
        self.ledger.facts[fact.kind.value] += 1
        right = {RotationKind.ROTATED} | ({RotationKind.REPLAYED} if again else set())
        self.ledger.require(f"{fact.kind} of {generation}", holds=fact.kind in right)
        if fact.session is not None:
            self.ledger.require("generation", holds=fact.session.generation == generation + 1)

    def require_live(self, session_id: str) -> None:
        try:
            is_revoked = self.ask(lambda store: store.is_revoked(session_id, session_id[:2] + "t"))
        except StoreUnavailable:
            return
        self.ledger.require("a live session was refused", holds=is_revoked is False)

    def end(self, subject: str, session_id: str, over: threading.Event) -> None:
        match self.random.randrange(4):
            case 0:
                self.insist(lambda store: store.revoke_session(session_id, reason="end"), over)
            case 1:
                self.insist(lambda store: store.revoke_subject(subject, reason="end"), over)
                self.ledger.revoked |= self.sessions[subject]
            case 2:
                reused = present(session_id, 0, leeway=0)
                fact, again = self.insist(lambda store: store.rotate(reused), over)
                right = {RotationKind.REUSED} | ({RotationKind.REVOKED} if again else set())
                self.ledger.require(f"{fact.kind} in place of REUSED", holds=fact.kind in right)
            case _:
                return
        self.ledger.revoked.add(session_id)
        try:
            is_revoked = self.ask(lambda store: store.is_revoked(session_id, None))
        except StoreUnavailable:
            return
        self.ledger.require("a revoked session was let in", holds=is_revoked is True)


def move_around(servers: ServerSet, is_enough: Callable[[int], bool]) -> None:
    """Have the partitions change their members, a few keys at a time, until it was often enough.

    The sessions go last, and the next time first.
    """
    for moves, partition in enumerate(itertools.cycle(MOVING)):
        if is_enough(moves):
            return
        current = Move(servers, partition)
        others = [one for one in servers.primaries() if one is not current.source]
        move = Move(servers, partition, others[moves % 2])
        move.begin()
        for _ in range(10):
            keys = sorted(move.keys(), key=lambda key: b":s:" in key, reverse=moves % 2 == 1)
            move.take(set(keys[:20]).__contains__)
            time.sleep(0.02)  # so that the users come in between
        move.finish()
        time.sleep(0.1)
    raise AssertionError


def test_a_partition_that_moves_under_load_loses_nothing_and_lets_nothing_in(
    servers: ServerSet, twin: str, runner: Runner
) -> None:
    store: Any = redis_store_at(servers.url, twin, runner)
    for partition in MOVING:
        store.revoke_token(f"{partition:02x}t0")  # there is a log
    ledger, over = Ledger(), threading.Event()

    def is_enough(moves: int) -> bool:
        return bool(ledger.wrong) or (
            moves > len(MOVING) * TIMES
            and ledger.facts["rotated"] > 100 * TIMES
            and len(ledger.revoked) > 100 * TIMES
        )

    def work(number: int) -> None:
        if twin == "sync":
            User(store, None, ledger, number).live(over)
            return
        with asyncio.Runner() as own:
            User(store.twin, own, ledger, number).live(over)

    with ThreadPoolExecutor(USERS) as threads:
        working = [threads.submit(work, number) for number in range(USERS)]
        try:
            move_around(servers, is_enough)
        finally:
            over.set()
        for each in working:
            each.result()

    assert ledger.wrong == []
    for session_id in ledger.issued:
        assert store.is_revoked(session_id, None) is (session_id in ledger.revoked)
    store.close()
