"""Whatever happens in whatever order: manager and store against a plain model."""

import asyncio
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gatepass import AsyncTokenManager, TokenManager, TokenPair, errors
from gatepass.jose import SharedKey, inspect
from gatepass.sessions import RotationKind, RotationPlan, Session, rotate
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from gatepass.stores.redis import AsyncRedisStore, RedisStore
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from tests.budget import TIMES
from tests.manager.model import (
    ACCESS,
    HOW,
    IDLE,
    LEEWAY,
    POLICY,
    WHOLE,
    ModelSession,
    forget_in_memory,
    forget_in_postgres,
    forget_in_redis,
    forget_in_sqlite,
)
from tests.servers.redis_sets import running
from tests.stores.postgres_backend import empty_url
from tests.twins import Driven

ACCESS_KEY, REFRESH_KEY = SharedKey.generate(), SharedKey.generate()
SUBJECTS = ("alice", "bob")
reached: Counter[tuple[str, Any]] = Counter()


class Machine(RuleBasedStateMachine):
    """Log-ins, refreshes with any past token, revocations, lost writes, and time."""

    is_async: ClassVar[bool] = False
    where: ClassVar[str] = "memory"
    is_opaque: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_700_000_000
        self.sessions: dict[str, ModelSession] = {}
        self.disabled: set[str] = set()
        self.unconfirmed: list[tuple[Session, Any]] = []
        self.roles = dict.fromkeys(SUBJECTS, "user")

    @initialize()
    def start(self) -> None:
        clock = lambda: float(self.now)  # noqa: E731 - read at every call
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        path = str(Path(self.folder.name) / "gate.db")
        store: Any
        make = AsyncSqlStore if self.is_async else SqlStore
        if self.where == "sqlite":
            store = make.from_url(f"sqlite:///{path}", clock=clock)
            self.forget = forget_in_sqlite(path)
        elif self.where == "postgres":
            url = empty_url()
            store = make.from_url(url, clock=clock)
            self.forget = forget_in_postgres(url)
        elif self.where != "memory":
            servers = running(self.where)
            servers.flush()
            store = (AsyncRedisStore if self.is_async else RedisStore).from_url(
                servers.url, clock=clock
            )
            self.forget = forget_in_redis(servers.servers[0].client())
        else:
            store = AsyncMemoryStore(clock) if self.is_async else MemoryStore(clock)
            self.forget = forget_in_memory(store._work if self.is_async else store)
        kind: Any = AsyncTokenManager if self.is_async else TokenManager
        manager = kind(
            replace(POLICY, access_format="opaque") if self.is_opaque else POLICY,
            access_keys=ACCESS_KEY,
            refresh_keys=REFRESH_KEY,
            store=store,
            load_claims=self.load_claims,
            now=clock,
        )
        self.manager: Any = Driven(manager, self.loop) if self.is_async else manager
        self.issue("alice", {})

    def load_claims(self, subject: str, session_claims: Any) -> dict[str, Any] | None:
        self.told = dict(session_claims)
        return None if subject in self.disabled else {"role": self.roles[subject]}

    def teardown(self) -> None:
        if hasattr(self, "manager"):
            self.manager.close()
            self.loop.close()
            self.folder.cleanup()

    @rule(subject=st.sampled_from(SUBJECTS), how=st.sampled_from(HOW))
    def issue(self, subject: str, how: dict[str, Any]) -> None:
        claims = {"role": self.roles[subject]}
        epoch = self.manager.subject_epoch(subject)
        pair = self.manager.issue(subject, claims, session_claims=how, epoch=epoch)
        session = ModelSession(
            subject, claims | how, how, ends=self.now + WHOLE, idle_ends=self.now + IDLE
        )
        session.pairs.append((0, pair))
        self.sessions[pair.session_id] = session
        self.unconfirmed.clear()

    @rule(data=st.data())
    def refresh_any(self, data: st.DataObject) -> None:
        session_id = self.draw_session(data)
        pairs = self.sessions[session_id].pairs
        self.refresh(session_id, *pairs[data.draw(st.integers(0, len(pairs) - 1))])

    @rule(data=st.data(), times=st.integers(1, 4))
    def refresh_newest(self, data: st.DataObject, times: int) -> None:
        session_id = self.draw_session(data)
        for _ in range(times):
            self.refresh(session_id, *self.sessions[session_id].pairs[-1])

    @rule(data=st.data(), back=st.integers(1, 10))
    def refresh_recent(self, data: st.DataObject, back: int) -> None:
        session_id = self.draw_session(data)
        self.refresh(session_id, *self.sessions[session_id].pairs[-back:][0])

    @rule(data=st.data(), writes=st.integers(1, 5))
    def crash_after_refreshing(self, data: st.DataObject, writes: int) -> None:
        self.refresh_newest(data, writes)
        self.lose_unconfirmed_writes(data.draw(st.integers(1, writes)))
        self.refresh_any(data)

    def refresh(self, session_id: str, generation: int, pair: TokenPair) -> None:
        session = self.sessions[session_id]
        before = self.row(session_id, session)
        if int(inspect(pair.refresh_token).claims["exp"]) <= self.now:
            expected: Any = errors.TokenExpired
        elif session.subject in self.disabled:
            expected = errors.SubjectDisabled
        else:
            expected = session.expected(generation, self.now)
        ahead = isinstance(expected, int) and generation > session.generation
        replayed = isinstance(expected, int) and generation < session.generation
        reached[type(self).__name__, getattr(expected, "__name__", (ahead, replayed))] += 1
        if isinstance(expected, int):
            self.expect_pair(session, generation, pair, expected, before)
            return
        with pytest.raises(expected):
            self.manager.refresh(pair.refresh_token)
        if expected is errors.RefreshReused:
            session.revoked = True
            self.unconfirmed.clear()

    def draw_session(self, data: st.DataObject) -> str:
        """By position: ids are random, and a failure has to repeat."""
        return list(self.sessions)[data.draw(st.integers(0, len(self.sessions) - 1))]

    def expect_pair(
        self, session: ModelSession, generation: int, pair: Any, expected: int, before: Any
    ) -> None:
        saved = session.spendable()
        answer = self.manager.refresh(pair.refresh_token)
        claims = self.manager.verify(answer.access_token)

        assert answer.session_id == pair.session_id
        assert inspect(answer.refresh_token).claims["gen"] == expected
        expected_claims = {"role": self.roles[session.subject]} | session.how
        if self.is_opaque and generation < session.generation:
            expected_claims = session.claims  # a replay does not change the row
        assert {name: claims.get(name) for name in expected_claims} == expected_claims
        assert self.told == session.how
        session.pairs.append((expected, answer))
        if generation >= session.generation:
            session.advance(generation, self.now)
            session.claims = expected_claims
            self.unconfirmed.append((before, saved))

    def row(self, session_id: str, session: ModelSession) -> Session | None:
        rows = self.manager.sessions(session.subject)
        return next((row for row in rows if row.session_id == session_id), None)

    @rule(seconds=st.sampled_from([1, 4, 9, 10, 11, 59, 120, 299, 300, 700]))
    def advance(self, seconds: int) -> None:
        self.now += seconds

    @rule(data=st.data(), everything=st.booleans())
    def revoke(self, data: st.DataObject, *, everything: bool) -> None:
        session_id = self.draw_session(data)
        chosen = self.sessions[session_id]
        if everything:
            self.manager.revoke_subject(chosen.subject)
            for session in self.sessions.values():
                session.revoked |= chosen.subject in {session.subject, session.actor}
        else:
            self.manager.revoke_session(session_id)
            chosen.revoked = True
        self.unconfirmed.clear()

    @rule(subject=st.sampled_from(SUBJECTS), role=st.sampled_from(["user", "admin", "off"]))
    def change_account(self, subject: str, role: str) -> None:
        if role == "off":
            self.disabled.add(subject)
        else:
            self.disabled.discard(subject)
            self.roles[subject] = role

    @rule(count=st.integers(1, 5))
    def lose_unconfirmed_writes(self, count: int) -> None:
        for _ in range(min(count, len(self.unconfirmed))):
            row, saved = self.unconfirmed.pop()
            if row is not None:
                self.forget(row)
                self.sessions[row.session_id].restore(saved)

    @rule()
    def purge(self) -> None:
        self.manager.purge()
        self.unconfirmed.clear()

    @invariant()
    def nothing_of_a_revoked_session_is_honoured(self) -> None:
        for session in self.sessions.values():
            if session.revoked:
                _, pair = session.pairs[-1]
                with pytest.raises((errors.TokenRevoked, errors.TokenExpired)):
                    self.manager.verify(pair.access_token)
                with pytest.raises((errors.SessionError, errors.TokenExpired)):
                    self.manager.refresh(pair.refresh_token)

    @invariant()
    def at_most_one_generation_of_a_session_can_be_spent(self) -> None:
        for subject in SUBJECTS if hasattr(self, "manager") else ():
            for row in self.manager.sessions(subject):
                kinds = [self.outcome(row, each) for each in range(row.generation + 1)]

                assert kinds.count(RotationKind.ROTATED) == 1
                assert not self.sessions[row.session_id].revoked

    @invariant()
    def claims_survive(self) -> None:
        for subject in SUBJECTS if hasattr(self, "manager") else ():
            for row in self.manager.sessions(subject):
                assert dict(row.claims) == self.sessions[row.session_id].claims

    def outcome(self, row: Session, generation: int) -> RotationKind:
        plan = RotationPlan(
            session_id=row.session_id,
            generation=generation,
            sec_hash=row.sec_hash,
            leeway_ms=LEEWAY * 1000,
            refresh_lifetime_ms=IDLE * 1000,
            access_lifetime_ms=ACCESS * 1000,
        )
        return rotate(row, plan, self.now * 1000).kind


def machine(name: str, *, is_async: bool, where: str, examples: int) -> Any:
    of = {"is_async": is_async, "where": where, "is_opaque": name.startswith("Opaque")}
    kind: Any = type(name, (Machine,), of)
    case = kind.TestCase
    case.settings = settings(max_examples=examples, stateful_step_count=40, deadline=None)
    return case


TestSyncMemory = machine("SyncMemory", is_async=False, where="memory", examples=30 * TIMES)
TestAsyncMemory = machine("AsyncMemory", is_async=True, where="memory", examples=10 * TIMES)
TestSyncSqlite = machine("SyncSqlite", is_async=False, where="sqlite", examples=10 * TIMES)
TestAsyncSqlite = machine("AsyncSqlite", is_async=True, where="sqlite", examples=5 * TIMES)
TestOpaqueSqlite = machine("OpaqueSqlite", is_async=False, where="sqlite", examples=10 * TIMES)
TestOpaqueMemory = machine("OpaqueMemory", is_async=True, where="memory", examples=10 * TIMES)
TestSyncPostgres = machine("SyncPostgres", is_async=False, where="postgres", examples=10 * TIMES)
pytest.mark.soak(TestSyncPostgres)
TestAsyncPostgres = machine("AsyncPostgres", is_async=True, where="postgres", examples=5 * TIMES)
TestSyncRedis = machine("SyncRedis", is_async=False, where="redis 8", examples=10 * TIMES)
TestAsyncRedis = machine("AsyncRedis", is_async=True, where="valkey", examples=5 * TIMES)


def test_the_machine_has_been_everywhere() -> None:
    if not any(name == "SyncMemory" for name, _ in reached):
        pytest.skip("the machine did not run")
    names = {what for name, what in reached if name == "SyncMemory"}

    assert names >= {
        (False, False),
        (True, False),
        (False, True),
        "RefreshReused",
        "SessionRevoked",
        "SubjectDisabled",
        "TokenExpired",
    }
