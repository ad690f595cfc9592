"""Claims of how somebody signed in, and sessions that an actor opened."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gatepass import TokenManager, TokenPair, TokenPolicy
from gatepass.errors import (
    ClaimsRejected,
    SessionRevoked,
    StoreUnavailable,
    SubjectEpochChanged,
    TokenRevoked,
)
from gatepass.jose import SharedKey, inspect
from gatepass.sessions import IssuePlan, Session
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from gatepass.stores.redis import RedisStore
from gatepass.stores.sql import SqlStore
from tests.manager.conftest import Clock, Make
from tests.servers.redis_sets import running
from tests.stores.postgres_backend import empty_url

HOW = {"act": {"sub": "support-7"}, "amr": ["otp"], "org": "acme"}


def test_who_acts_as_a_customer_still_does_after_refreshes(make: Make, clock: Clock) -> None:
    manager = make(load_claims=lambda *_: {"role": "reader"}, required_claims=("amr",))
    pair = manager.issue("ada", {"role": "user", "act": HOW["act"], "amr": ["otp"]})
    superseded = pair
    for _ in range(3):
        superseded, pair = pair, manager.refresh(pair.refresh_token)
        clock.advance(1)
    replayed = manager.refresh(superseded.refresh_token)

    for one in (pair, replayed):
        claims = manager.verify(one.access_token)
        assert (claims["act"], claims["amr"], claims["role"]) == (HOW["act"], ["otp"], "reader")
    assert dict(manager.sessions("ada")[0].claims) == {
        "role": "reader",
        "act": HOW["act"],
        "amr": ["otp"],
    }


def test_session_claims_stay_where_no_claims_are_loaded(manager: Any) -> None:
    pair = manager.issue("ada", {"role": "user"}, session_claims=HOW)
    pair = manager.refresh(manager.refresh(pair.refresh_token).refresh_token)
    claims = manager.verify(pair.access_token)

    assert {name: claims[name] for name in (*HOW, "role")} == HOW | {"role": "user"}


def test_load_claims_is_told_the_session_claims_and_cannot_change_them(make: Make) -> None:
    asked = []

    def load(subject: str, session_claims: dict[str, Any]) -> dict[str, Any]:
        asked.append((subject, dict(session_claims)))
        session_claims.clear()
        return {"role": "reader", "act": {"sub": "root"}, "amr": ["none"], "acr": "high"}

    manager = make(load_claims=load)
    with_claims = manager.refresh(manager.issue("ada", session_claims=HOW).refresh_token)
    without = manager.refresh(manager.issue("bob").refresh_token)

    assert asked == [("ada", HOW), ("bob", {})]
    claims = manager.verify(with_claims.access_token)
    assert {name: claims[name] for name in (*HOW, "role")} == HOW | {"role": "reader"}
    assert {"act", "amr", "acr"}.isdisjoint(manager.verify(without.access_token))


def test_a_refresh_token_says_more_only_where_there_are_session_claims(manager: Any) -> None:
    plain = inspect(manager.issue("ada", {"role": "user"}, session_claims={}).refresh_token)
    told = inspect(manager.issue("ada", session_claims={"org": "é"}).refresh_token)

    assert "ses" not in plain.claims
    assert told.claims["ses"] == '{"org":"é"}'


@pytest.mark.parametrize(
    ("claims", "session_claims"),
    [
        ({"org": "a"}, {"org": "a"}),
        ({"act": {"sub": "a"}}, {"act": {"sub": "b"}}),
        ({}, {"sub": "root"}),
        ({}, {"gen": 1}),
        ({}, [("org", "a")]),
        ({}, {7: "a"}),
        ({}, {"org": float("nan")}),
        ({}, {"org": object()}),
        ({"role": "x" * 1100}, {"org": "x" * 1100}),
        ({}, {"act": None}),
        ({}, {"act": "support-7"}),
        ({}, {"act": {}}),
        ({}, {"act": {"sub": 7}}),
        ({}, {"act": {"sub": ""}}),
        ({"act": {"sub": "x" * 256}}, {}),
        ({"act": {"sub": "\ud800"}}, {}),
        ({}, {"amr": ["weak"]}),
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_session_claims_that_no_token_could_have_open_no_session(
    make: Make, claims: Any, session_claims: Any
) -> None:
    manager = make(allowed_values={"amr": ["otp"]})

    with pytest.raises(ClaimsRejected):
        manager.issue("ada", claims, session_claims=session_claims)
    assert manager.sessions("ada") == []


def test_a_loaded_claim_that_is_a_session_claim_spends_nothing(make: Make) -> None:
    answers = iter([{"org": "mallory's"}, {}])
    manager = make(load_claims=lambda *_: next(answers))
    pair = manager.issue("ada", session_claims=HOW)

    with pytest.raises(ClaimsRejected, match="org"):
        manager.refresh(pair.refresh_token)
    assert inspect(manager.refresh(pair.refresh_token).refresh_token).claims["gen"] == 1


def max_of_three(one: int, two: int, three: int) -> int:
    return max(one, two, three)


@pytest.mark.parametrize("wrong", [7, lambda _: {}, max_of_three, lambda *, subject: subject])
def test_load_claims_takes_two_arguments(make: Make, wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"load_claims\(subject, session_claims\)"):
        make(load_claims=wrong)


def test_load_claims_that_cannot_say_what_it_takes_is_taken(make: Make) -> None:
    make(load_claims=dict)


def test_revoking_the_actor_ends_what_it_opened(manager: Any) -> None:
    chain = {"sub": "support-7", "act": {"sub": "lead-1"}}
    opened = [manager.issue(one, session_claims={"act": chain}) for one in ("ada", "bob")]
    own = manager.issue("ada")

    assert manager.revoke_subject("lead-1") == 0
    assert manager.revoke_subject("support-7") == 2

    for pair in opened:
        with pytest.raises(TokenRevoked):
            manager.verify(pair.access_token)
        with pytest.raises(SessionRevoked):
            manager.refresh(pair.refresh_token)
    assert manager.verify(own.access_token).subject == "ada"


def test_an_actor_who_was_revoked_while_the_session_began_opens_none(make: Make) -> None:
    class Sync(MemoryStore):
        def issue(self, plan: IssuePlan) -> Session | None:
            self.revoke_subject("support-7", reason="left")
            return super().issue(plan)

    class Async(AsyncMemoryStore):
        async def issue(self, plan: IssuePlan) -> Session | None:
            await self.revoke_subject("support-7", reason="left")
            return await super().issue(plan)

    manager = make(store=Async() if hasattr(make(), "driven") else Sync())
    with pytest.raises(SubjectEpochChanged):
        manager.issue("ada", {"act": {"sub": "support-7"}})

    assert manager.sessions("ada") == []
    assert manager.issue("ada", {"amr": ["otp"]}).session_id


class Told:
    """A store that tells what each thread was told of epochs."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.epochs = threading.local()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def subject_epoch(self, subject: str) -> int:
        epoch: int = self._store.subject_epoch(subject)
        vars(self.epochs).setdefault("read", []).append(epoch)
        return epoch


@pytest.mark.parametrize("where", ["memory", "sqlite", "postgres", "redis 8", "valkey", "cluster"])
def test_no_session_outlives_a_revocation_of_its_actor_that_it_races(
    where: str, tmp_path: Path
) -> None:
    if where == "memory":
        store: Any = MemoryStore()
    elif where in {"sqlite", "postgres"}:
        url = empty_url() if where == "postgres" else f"sqlite:///{tmp_path / 'gate.db'}"
        store = SqlStore.from_url(url)
    else:
        running(where).flush()
        store = RedisStore.from_url(running(where).url)
    told: Any = Told(store)
    begun = threading.Barrier(5)
    manager = TokenManager(
        TokenPolicy(issuer="api-server", audience="api-client"),
        access_keys=SharedKey.generate(),
        refresh_keys=SharedKey.generate(),
        store=told,
    )

    def impersonate(caller: int) -> list[TokenPair]:
        begun.wait()
        pairs = []
        for number in range(20):
            told.epochs.read = []
            try:
                pair = manager.issue(f"customer {caller} {number}", {"act": {"sub": "support-7"}})
            except (SubjectEpochChanged, StoreUnavailable):  # which a busy machine may mean
                continue
            if told.epochs.read[0] == 0:
                pairs.append(pair)
        return pairs

    with manager, ThreadPoolExecutor(4) as callers:
        answers = [callers.submit(impersonate, caller) for caller in range(4)]
        begun.wait()
        while True:
            with suppress(StoreUnavailable):
                manager.revoke_subject("support-7")
                break

        for pair in (pair for answer in answers for pair in answer.result()):
            assert store.is_revoked(pair.session_id, None)
