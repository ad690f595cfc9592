"""Connections over every database, in both twins: they end with their session, and no others."""

import gc
import time
import weakref
from typing import Any

import pytest

from gatepass import AsyncTokenVerifier, TokenManager, TokenPolicy, TokenVerifier
from gatepass.errors import (
    KeysUnavailable,
    RefreshReused,
    SettingsRejected,
    StoreUnavailable,
    TokenExpired,
    TokenInvalid,
    TokenRevoked,
)
from gatepass.jose import KeySet
from gatepass.revocations import AsyncReplica, Replica
from gatepass.revocations.lease import steady_ms
from gatepass.stores.memory import MemoryStore
from gatepass.stores.sql import SqlStore
from gatepass.tokens import AccessClaims
from tests.attacks.legacy import UNTIL, legacy, rules
from tests.attacks.target import NOW
from tests.stores.plans import Clock
from tests.watches.conftest import Make
from tests.watches.world import ACCESS, NEXT, REFRESH, Line, World, ticks


@pytest.mark.parametrize("access_format", ["jwt", "opaque"])
def test_a_revocation_ends_its_connections_and_no_others(world: World) -> None:
    bystander = world.hold(world.log_in("bob").access_token)
    for revoking in (world.manager, world.elsewhere):
        for way in ("session", "token", "subject", "log out", "reuse"):
            pair = world.log_in("ada")
            first, second = (world.hold(pair.access_token) for _ in range(2))
            refreshed = revoking.refresh(pair.refresh_token)
            other = world.hold(refreshed.access_token)
            match way:
                case "session":
                    revoking.revoke_session(pair.session_id)
                case "token":
                    revoking.revoke_token(first.watch.claims)
                case "subject":
                    revoking.revoke_subject("ada")
                case "log out":
                    revoking.log_out(access_token=pair.access_token)
                case _:
                    with pytest.raises(RefreshReused):
                        revoking.refresh(pair.refresh_token)
            for line in (first, second):
                world.until_told(line, "token_revoked")
            if way == "token":
                assert other.watch.reason is None
                revoking.revoke_session(pair.session_id)
            world.until_told(other, "token_revoked")
            with pytest.raises(TokenRevoked):
                world.hold(first.watch.claims)
    assert bystander.watch.reason is None
    assert len(world.watches) == 1

    world.elsewhere.revoke_all()
    world.until_told(bystander, "token_revoked")
    assert len(world.watches) == 0


def test_the_end_of_a_key_ends_its_connections(world: World) -> None:
    bystander = world.hold(world.log_in("ci").access_token)
    for revoking in (world.manager, world.elsewhere):
        issued = world.manager.issue_key("ci", name="live", scopes=(), expires="1d")
        line = world.hold(world.manager.verify_key(issued.key))
        revoking.revoke_key(issued.key_id)
        world.until_told(line, "token_revoked")
    assert bystander.watch.reason is None


def test_a_revocation_between_the_check_and_the_block_is_found(world: World) -> None:
    """The watch is registered first and looked up second."""
    pair = world.log_in()
    claims = world.manager.verify(pair.access_token)
    add, look_up = world.watches.add, world.inner._is_revoked

    def revoke_and_add(watch: Any) -> None:
        revoke(world, pair.session_id)
        add(watch)

    world.watches.add = revoke_and_add
    with pytest.raises(TokenRevoked):
        world.hold(claims)
    del world.watches.add
    assert len(world.watches) == 0

    pair = world.log_in()
    claims = world.manager.verify(pair.access_token)

    def revoked_after(verdict: Any) -> Any:
        world.watches.end_all([("s", pair.session_id)])
        return verdict

    async def look_up_late(*ids: str) -> Any:
        return revoked_after(await look_up(*ids))

    is_late: Any = look_up_late if world.is_async else lambda *ids: revoked_after(look_up(*ids))
    world.inner._is_revoked = is_late
    with pytest.raises(TokenRevoked):
        world.hold(claims)
    assert len(world.watches) == 0


def revoke(world: World, session_id: str) -> None:
    """Revoke a session without a word to this process, while no loop can run."""
    if world.elsewhere is world.manager:
        store: MemoryStore = getattr(world.store, "_work", world.store)
        store.revoke_session(session_id, reason="log-out")
    else:
        world.elsewhere.revoke_session(session_id)
        if isinstance(world.replica, Replica | AsyncReplica):
            world.replica._denylist._hold("s", session_id, steady_ms())


def test_it_ends_when_the_token_expires(make: Make) -> None:
    clock = Clock(time.time())
    world = make(now=clock)
    pair = world.log_in()
    line, other = world.hold(pair.access_token), world.hold(world.log_in("bob").access_token)
    clock.forward(600_000)
    later = world.hold(world.manager.refresh(pair.refresh_token).access_token)
    clock.forward(299_000)
    claims = line.watch.claims
    assert line.watch.reason is None
    clock.forward(1_000)

    world.until_told(line, "token_expired")
    world.until_told(other, "token_expired")
    assert later.watch.reason is None
    with pytest.raises(TokenExpired):
        world.hold(claims)


def test_it_ends_when_its_key_is_removed(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    world = make()
    old = world.hold(world.log_in().access_token)
    world.keys.keys = KeySet(NEXT, ACCESS)
    new = world.hold(world.log_in("bob").access_token)
    rounds = ticks(world)
    world.until(lambda: len(rounds) > 2)
    assert old.watch.reason is None
    world.keys.keys = KeySet(NEXT)

    world.until_told(old, "token_invalid")
    assert new.watch.reason is None
    with pytest.raises(TokenInvalid, match="key"):
        world.hold(old.watch.claims)
    with pytest.raises(TokenInvalid, match="key"):
        world.hold(AccessClaims({"sub": "ada", "sid": "00a", "exp": 2**40}))
    world.keys.failure = KeysUnavailable()
    world.until_told(new, "keys_unavailable")
    assert not caplog.messages
    world.keys.failure = None
    last = world.hold(world.log_in().access_token)
    world.keys.failure = OSError("a source of somebody's")
    world.until_told(last, "keys_unavailable")
    assert "keys of watched connections" in caplog.text


def test_without_a_replica_it_is_rejected_in_one_sentence() -> None:
    store = SqlStore.from_url("sqlite:///never.db")
    policy = TokenPolicy(issuer="id", audience="api")
    manager = TokenManager(policy, access_keys=ACCESS, refresh_keys=REFRESH, store=store)
    verifier = TokenVerifier(ACCESS, issuer="id", audience="api")
    claims = AccessClaims({})

    for each in (manager, verifier):
        with pytest.raises(SettingsRejected, match=r"revocations=replica_of\(store\)"):
            each.watch(claims, print)


def test_a_verifier_watches_too(world: World) -> None:
    source: Any = world.replica or world.store
    verifier: Any = world.inner
    if not world.is_async:
        verifier = TokenVerifier(ACCESS, issuer="id", audience="api", revocations=source)
    else:
        verifier = AsyncTokenVerifier(ACCESS, issuer="id", audience="api", revocations=source)
    pair = world.log_in()
    claims = world.manager.verify(pair.access_token)
    manager, world.inner = world.inner, verifier
    line = world.hold(claims)
    with pytest.raises(TokenInvalid, match="never be revoked"):
        world.hold(AccessClaims({"sub": "ada", "exp": 2**40}, ACCESS))
    world.inner = manager
    world.manager.revoke_session(pair.session_id)

    world.until_told(line, "token_revoked")


def test_a_legacy_token_is_watched_until_it_ends(make: Make) -> None:
    clock = Clock(NOW)
    world = make(now=clock)
    kind: Any = AsyncTokenVerifier if world.is_async else TokenVerifier
    names = {"issuer": "id", "audience": "api", "leeway": 60}
    world.inner = kind(ACCESS, **names, revocations=world.replica, legacy=rules(), now=clock)

    def hold(jti: str, **claims: Any) -> Line:
        verified = world.inner.verify(legacy("access", jti=jti, **claims))
        return world.hold(world.runner.run(verified) if world.is_async else verified)

    revoked, expiring, last = hold("revoked"), hold("expiring", exp=NOW + 100), hold("last")
    world.manager.revoke_token(revoked.watch.claims)
    world.until_told(revoked, "token_revoked")
    clock.forward(160_000)
    world.until_told(expiring, "token_expired")
    assert last.watch.reason is None
    clock.now = UNTIL
    world.until_told(last, "token_expired")


def test_closing_the_source_ends_the_connections_and_takes_no_more(world: World) -> None:
    line = world.hold(world.log_in().access_token)
    claims = line.watch.claims
    closing = (world.replica or world.store).close()
    if world.is_async:
        world.runner.run(closing)
    if world.replica is not None and hasattr(world.replica, "revoked_many"):
        closing = world.store.close()
        if world.is_async:
            world.runner.run(closing)

    world.until_told(line, "store_unavailable")
    with pytest.raises(StoreUnavailable):
        world.hold(claims)


def test_a_connection_that_was_left_is_forgotten(make: Make) -> None:
    world = make()
    pair = world.log_in()
    lines = [world.hold(pair.access_token) for _ in range(3)]
    seen = [weakref.ref(line.watch) for line in lines]
    assert len(world.watches) == 3
    for line in lines:
        line.leave()
    assert len(world.watches) == 0
    assert not world.watches._by_id
    with pytest.raises(RuntimeError, match="was left"):
        lines[0].renew(pair.access_token)
    world.elsewhere.revoke_session(pair.session_id)
    world.until(lambda: not world.watches._tickers)
    assert [line.told for line in lines] == [[], [], []]

    lines.clear()
    world.lines.clear()
    del line
    gc.collect()
    assert [ref() for ref in seen] == [None] * 3


def test_thousands_of_connections_have_one_timer(make: Make) -> None:
    world = make()
    pairs = [world.log_in(f"subject {number}") for number in range(20)]
    claims = [world.manager.verify(pair.access_token) for pair in pairs]
    world.hold(claims[0])
    world.until(lambda: world.watches._tickers)
    timers = count_timers(world)
    lines = [world.hold(each) for each in claims for _ in range(50)]

    assert len(world.watches) == 1_001
    assert count_timers(world) <= timers
    world.elsewhere.revoke_session(pairs[7].session_id)
    those = lines[7 * 50 : 8 * 50]
    world.until(lambda: all(line.told for line in those))
    assert {line for line in lines if line.watch.reason} == set(those)


def count_timers(world: World) -> int:
    if not world.is_async:
        return len(world.watches._tickers)
    loop: Any = world.runner.get_loop()
    return len([timer for timer in loop._scheduled if not timer.cancelled()])
