"""How long a copy holds what it read: for as long as any clock in bounds could let a token in."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from gatepass import AsyncTokenVerifier, TokenManager, TokenPair, TokenPolicy, TokenVerifier
from gatepass.errors import TokenRevoked
from gatepass.jose import SharedKey
from gatepass.revocations import postgres_readers, redis_log, replica_of, state
from gatepass.revocations.lease import steady_ms
from gatepass.sessions.session import PARTITIONS
from gatepass.stores.redis import RedisStore
from gatepass.stores.sql import SqlStore
from tests.budget import PATIENCE_S
from tests.revocations.worlds import BACKENDS, empty_backend
from tests.stores.plans import SECOND, Clock
from tests.stores.redis_backends import redis_store_at
from tests.stores.twins import Awaited, Runner, sql_store

LIFE_S = 900
RETENTION_S = LIFE_S + 120
NAMES: dict[str, Any] = {"issuer": "us", "audience": "them"}


@dataclass
class Site:
    """Who issues and who verifies; all clocks are the test's."""

    url: str
    twin: str
    runner: Runner
    clock: Clock = field(default_factory=Clock)
    passed_ms: int = 0
    """On the clock that nobody sets."""
    names: Iterator[int] = field(default_factory=itertools.count)
    verifier_ahead_s: float = 0
    access_key: SharedKey = field(default_factory=SharedKey.generate)
    closing: list[Callable[[], object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        kind: Any = RedisStore if self.url.startswith("redis") else SqlStore
        self.elsewhere = kind.from_url(self.url, clock=self.clock)
        self.closing.append(self.elsewhere.close)
        self.refresh_key = SharedKey.generate()

    def manager(self, access_lifetime: int = LIFE_S) -> TokenManager:
        return TokenManager(
            TokenPolicy(access_lifetime=access_lifetime, **NAMES),
            access_keys=self.access_key,
            refresh_keys=self.refresh_key,
            store=self.elsewhere,
            now=self.clock,
        )

    def replica(self) -> Any:
        """A copy that starts from nothing, once it is complete."""
        if self.url.startswith("redis"):
            store: Any = redis_store_at(self.url, self.twin, self.runner, self.clock)
        else:
            store = sql_store(self.twin, self.runner, self.url, self.clock)
        replica = replica_of(store.twin if self.twin == "async" else store)
        awaited = Awaited(replica, self.runner) if self.twin == "async" else replica
        self.closing[:0] = [awaited.close, store.close]
        self.until(awaited.fresh)
        return awaited

    def verify(self, replica: Any, pair: TokenPair) -> str:
        """What a verifier says whose clock may be wrong."""
        kind: Any = AsyncTokenVerifier if self.twin == "async" else TokenVerifier
        verifier = kind(
            self.access_key,
            **NAMES,
            leeway=60,
            revocations=replica.twin if self.twin == "async" else replica,
            now=lambda: self.clock() + self.verifier_ahead_s,
        )
        self.until(replica.fresh)  # it answers from memory
        try:
            answer = verifier.verify(pair.access_token)
            claims = self.runner.run(answer) if self.twin == "async" else answer
        except TokenRevoked:
            return "revoked"
        return str(claims.subject)

    def let_pass(self, seconds: float) -> None:
        self.clock.forward(int(seconds * SECOND))
        self.passed_ms += int(seconds * SECOND)

    def until(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < end
            if self.twin == "async":
                self.runner.run(asyncio.sleep(0.005))
            else:
                time.sleep(0.005)

    def read_on(self, *replicas: Any) -> None:
        """Have the copies read something new, at which they drop what is past its retention.

        In every partition: each has a log of its own in Redis, and none waits for another.
        """
        name = next(self.names)
        token_ids = [f"{partition:02x}{name}" for partition in range(PARTITIONS)]
        for token_id in token_ids:
            self.elsewhere.revoke_token(token_id)
        for replica in replicas:
            for token_id in token_ids:
                self.until(partial(holds, replica, None, token_id))


def holds(replica: Any, session_id: str | None, token_id: str | None = None) -> bool:
    """Whether it is in the copy itself, once that was brought up to date."""
    replica.fresh()
    held: bool = getattr(replica, "twin", replica)._denylist.is_held(session_id, token_id)
    return held


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest) -> str:
    return empty_backend(str(request.param))


@pytest.fixture(params=["sync", "async"])
def site(
    request: pytest.FixtureRequest, url: str, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    site = Site(url, str(request.param), runner)
    for module in (postgres_readers, redis_log, state):
        monkeypatch.setattr(module, "steady_ms", lambda: steady_ms() + site.passed_ms)
    yield site
    for close in site.closing:
        close()


def test_entries_leave_after_their_retention_also_when_access_tokens_became_shorter(
    site: Site,
) -> None:
    pair, other = (site.manager().issue("ada") for _ in range(2))
    replica = site.replica()
    site.manager().revoke_session(pair.session_id)
    site.read_on(replica)
    shorter = site.manager(access_lifetime=60)
    shorter.verify(shorter.issue("ada").access_token)

    site.let_pass(LIFE_S - 1)
    site.read_on(replica)
    cold = site.replica()
    for each in (replica, cold):
        assert site.verify(each, pair) == "revoked"
        assert site.verify(each, other) == "ada"

    site.let_pass(RETENTION_S - LIFE_S)
    site.read_on(replica, cold)
    for each in (replica, cold):
        assert holds(each, pair.session_id)

    site.let_pass(RETENTION_S / 8 + 1)
    site.read_on(replica, cold)
    for each in (replica, cold):
        assert not holds(each, pair.session_id)


def test_what_the_log_keeps_for_a_day_is_not_held_for_longer_than_it_matters(site: Site) -> None:
    pair = site.manager().issue("ada")
    site.manager().revoke_session(pair.session_id)
    site.let_pass(RETENTION_S + 1)
    replica = site.replica()
    site.read_on(replica)

    assert not holds(replica, pair.session_id)
    assert replica.status().entries == PARTITIONS
    assert replica.status().losses == 0


STEPS = [(60, -60), (-60, 60), (0, -60), (0, 60)]
"""By how many seconds a verifier's clock is wrong: at first, and from then on."""


def test_clock_steps_of_a_verifier_lose_nothing(site: Site) -> None:
    """All steps where it costs little; elsewhere the largest, one in each direction."""
    for first, then in STEPS if site.url.startswith("sqlite") else STEPS[:2]:
        pair, other = (site.manager().issue("ada") for _ in range(2))
        site.verifier_ahead_s = first
        replica = site.replica()
        site.manager().revoke_session(pair.session_id)
        site.read_on(replica)
        assert site.verify(replica, pair) == "revoked"
        assert site.verify(replica, other) == "ada"

        site.verifier_ahead_s = then
        assert site.verify(replica, pair) == "revoked"
        site.let_pass(LIFE_S + 60 - then - 1)  # the last second in which this verifier lets it in
        site.read_on(replica)
        for each in (replica, site.replica()):
            assert site.verify(each, other) == "ada"
            assert site.verify(each, pair) == "revoked"


def test_what_a_store_dated_while_its_clock_was_ahead_is_read_again(site: Site) -> None:
    pair, other = (site.manager().issue("ada") for _ in range(2))
    site.manager().revoke_session(pair.session_id)
    site.clock.forward(2 * 3600 * SECOND)
    replica = site.replica()
    assert not holds(replica, pair.session_id)  # by that clock the token ended long ago

    site.clock.forward(-2 * 3600 * SECOND)
    site.read_on(replica)
    site.until(lambda: holds(replica, pair.session_id))
    assert site.verify(replica, pair) == "revoked"
    assert site.verify(replica, other) == "ada"
    assert replica.status().losses == 0
