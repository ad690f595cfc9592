"""Verifying access tokens, and ending them."""

from typing import Any, ClassVar

import pytest

from gatepass import AsyncTokenManager, TokenManager, TokenPolicy, TokenVerifier
from gatepass.errors import (
    ClaimsRejected,
    KeyRejected,
    SessionRevoked,
    SessionUnknown,
    StoreUnavailable,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
    TokenRevoked,
)
from gatepass.jose import KeySet, SharedKey, SigningKey, inspect, sign
from gatepass.sessions import IssuePlan
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from tests.manager.conftest import Clock, Make

POLICY = TokenPolicy(issuer="api-server", audience="api-client")


def test_each_way_to_revoke_ends_what_it_names_and_no_more(manager: Any) -> None:
    one, two, bob = manager.issue("alice"), manager.issue("alice"), manager.issue("bob")
    claims = manager.verify(one.access_token)
    manager.revoke_token(claims)
    manager.revoke_token(claims.token_id)

    with pytest.raises(TokenRevoked):
        manager.verify(one.access_token)
    renewed = manager.refresh(one.refresh_token)
    assert manager.verify(renewed.access_token)
    assert manager.revoke_session(one.session_id) is True
    assert manager.revoke_session(one.session_id) is False
    with pytest.raises(TokenRevoked):
        manager.verify(renewed.access_token)
    three = manager.issue("alice")
    assert manager.revoke_subject("alice", keep=two.session_id) == 1
    with pytest.raises(TokenRevoked):
        manager.verify(three.access_token)
    assert manager.verify(two.access_token)
    assert manager.revoke_subject("alice") == 1
    with pytest.raises(TokenRevoked):
        manager.verify(two.access_token)
    assert manager.verify(bob.access_token)
    assert manager.revoke_all(reason="restored a backup") == 1
    with pytest.raises(TokenRevoked):
        manager.verify(bob.access_token)


@pytest.mark.parametrize("wrong", ["", "\0", "\ud800", 5, None])
def test_ids_and_reasons_are_text_that_every_store_can_hold(manager: Any, wrong: Any) -> None:
    for call in (manager.revoke_session, manager.revoke_subject, manager.sessions):
        with pytest.raises(ClaimsRejected):
            call(wrong)
    with pytest.raises(ClaimsRejected):
        manager.revoke_all(reason=wrong)
    with pytest.raises(ClaimsRejected):
        manager.revoke_subject("alice", keep=wrong or "\0")


def test_an_access_token_expires_and_a_missing_one_is_missing(
    manager: Any, clock: Clock, access_format: str
) -> None:
    pair = manager.issue("alice")
    # the `exp` of a JWT is in whole seconds; a store counts milliseconds
    clock.advance(899.75 if access_format == "jwt" else 900)

    with pytest.raises(TokenExpired):
        manager.verify(pair.access_token)
    with pytest.raises(TokenMissing):
        manager.verify(None)


def test_logging_out_takes_either_token_of_any_age_and_repeats(manager: Any, clock: Clock) -> None:
    first = manager.issue("alice")
    second = manager.refresh(first.refresh_token)
    clock.advance(100_000)
    manager.log_out(access_token=first.access_token)
    manager.log_out(access_token=first.access_token)
    manager.log_out(refresh_token=first.refresh_token)
    manager.log_out(access_token=second.access_token, refresh_token=first.refresh_token)
    clock.advance(30 * 86400)
    manager.log_out(refresh_token=first.refresh_token)

    assert manager.sessions("alice") == []


def test_a_superseded_refresh_token_logs_out(manager: Any, clock: Clock) -> None:
    first = manager.issue("alice")
    second = manager.refresh(first.refresh_token)
    clock.advance(60)
    manager.log_out(refresh_token=first.refresh_token)

    with pytest.raises(SessionRevoked):
        manager.refresh(second.refresh_token)


def test_logging_out_needs_a_proof_of_one_session(make: Make) -> None:
    key = SharedKey.generate()
    manager = make(refresh_keys=key)
    one, two = manager.issue("alice"), manager.issue("alice")
    forged = sign(dict(inspect(one.refresh_token).claims) | {"sec": "x"}, key, typ="rt+jwt")

    with pytest.raises(TokenMissing):
        manager.log_out()
    with pytest.raises(TokenInvalid):
        manager.log_out(access_token=one.access_token, refresh_token=two.refresh_token)
    with pytest.raises(SessionUnknown):
        manager.log_out(refresh_token=forged)
    with pytest.raises(TokenInvalid):
        manager.log_out(access_token=one.refresh_token)
    assert len(manager.sessions("alice")) == 2


def test_purging_forgets_sessions_that_are_long_over(
    manager: Any, clock: Clock, access_format: str
) -> None:
    manager.issue("alice")
    clock.advance(31 * 86400)

    assert manager.purge() == (1 if access_format == "jwt" else 2)  # the token is a row, too
    assert manager.purge() == 0


class Down(MemoryStore):
    """A store that has just gone."""

    def is_revoked(self, *_: object) -> bool:
        raise StoreUnavailable

    def issue(self, _: IssuePlan) -> Any:
        raise StoreUnavailable


def test_when_the_store_is_down_nobody_gets_in() -> None:
    access, refresh = SharedKey.generate(), SharedKey.generate()
    up = TokenManager(POLICY, access_keys=access, refresh_keys=refresh, store=MemoryStore())
    down = TokenManager(POLICY, access_keys=access, refresh_keys=refresh, store=Down())
    token = up.issue("alice").access_token

    with pytest.raises(StoreUnavailable):
        down.verify(token)
    with pytest.raises(StoreUnavailable):
        down.issue("alice")


class Everything:
    """Revocations that know everything as revoked."""

    is_async: ClassVar[Any] = False

    def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        return bool(session_id or token_id)


def test_given_revocations_are_asked_in_place_of_the_store() -> None:
    access, refresh = SharedKey.generate(), SharedKey.generate()
    manager = TokenManager(
        POLICY,
        access_keys=access,
        refresh_keys=refresh,
        store=MemoryStore(),
        revocations=Everything(),
    )

    with pytest.raises(TokenRevoked):
        manager.verify(manager.issue("alice").access_token)


def test_a_resource_server_verifies_with_a_public_key_and_no_store() -> None:
    key = SigningKey.generate("ES256")
    manager = TokenManager(
        POLICY, access_keys=key, refresh_keys=SharedKey.generate(), store=MemoryStore()
    )
    verifier = TokenVerifier(
        KeySet.from_jwks(manager.access_keys.current().public_jwks()),
        issuer="api-server",
        audience="api-client",
    )

    assert verifier.verify(manager.issue("alice").access_token).subject == "alice"
    assert manager.policy is POLICY


def test_a_store_of_the_other_twin_is_refused_at_construction() -> None:
    keys: Any = {"access_keys": SharedKey.generate(), "refresh_keys": SharedKey.generate()}
    async_store: Any = AsyncMemoryStore()
    store: Any = MemoryStore()

    with pytest.raises(TypeError, match="AsyncMemoryStore is not a sync"):
        TokenManager(POLICY, store=async_store, **keys)
    with pytest.raises(TypeError, match="MemoryStore is not an async"):
        AsyncTokenManager(POLICY, store=store, **keys)
    with pytest.raises(TypeError):
        TokenManager(POLICY, store=store, revocations=async_store, **keys)
    with pytest.raises(TypeError):
        AsyncTokenManager(POLICY, store=async_store, revocations=store, **keys)


@pytest.mark.parametrize("kind", [TokenManager, AsyncTokenManager])
@pytest.mark.parametrize("store", ["sqlite:///u:hunter2@h/0", MemoryStore, AsyncMemoryStore, None])
def test_what_is_no_store_is_rejected_at_construction(kind: Any, store: Any) -> None:
    keys: Any = {"access_keys": SharedKey.generate(), "refresh_keys": SharedKey.generate()}

    with pytest.raises(TypeError, match=r"is not an? a?sync store") as refused:
        kind(POLICY, store=store, **keys)
    assert "hunter2" not in str(refused.value)


def test_keys_that_cannot_sign_or_are_shared_between_the_sets_are_refused() -> None:
    signing, shared = SigningKey.generate("EdDSA"), SharedKey.generate()
    store = MemoryStore()

    with pytest.raises(KeyRejected, match="cannot sign"):
        TokenManager(POLICY, access_keys=signing.public(), refresh_keys=shared, store=store)
    with pytest.raises(KeyRejected, match="cannot sign"):
        TokenManager(POLICY, access_keys=shared, refresh_keys=signing.public(), store=store)
    with pytest.raises(KeyRejected, match="share a key"):
        TokenManager(POLICY, access_keys=shared, refresh_keys=shared, store=store)
    with pytest.raises(KeyRejected, match="share a key"):
        TokenManager(
            POLICY,
            access_keys=KeySet(SharedKey.generate(), shared),
            refresh_keys=KeySet(SharedKey.generate(), shared),
            store=store,
        )


class Rotating:
    """A source whose keys change while the manager runs."""

    def __init__(self, keys: KeySet) -> None:
        self.keys = keys
        self.version = 1

    def current(self) -> KeySet:
        return self.keys


def test_keys_that_change_while_running_are_held_to_the_same_rules(make: Make) -> None:
    source, refresh = Rotating(KeySet(SharedKey.generate())), SharedKey.generate()
    manager = make(access_keys=source, refresh_keys=refresh)
    old = manager.issue("alice").access_token
    source.keys, source.version = source.keys.rotate(SharedKey.generate()), 2

    assert manager.verify(old)
    assert manager.verify(manager.issue("alice").access_token)
    source.keys, source.version = source.keys.rotate(refresh), 3
    with pytest.raises(KeyRejected):
        manager.issue("alice")


def test_keys_that_change_while_they_are_read_are_looked_at_again(make: Make) -> None:
    refresh = SharedKey.generate()

    class Slipping(Rotating):
        def current(self) -> KeySet:
            keys = self.keys
            if self.version == 2:
                self.keys, self.version = KeySet(refresh), 3
            return keys

    source = Slipping(KeySet(SharedKey.generate()))
    manager = make(access_keys=source, refresh_keys=refresh)
    source.version = 2

    for _ in range(2):
        with pytest.raises(KeyRejected):
            manager.issue("alice")


def test_managers_close_their_store_as_context_managers(make: Make) -> None:
    manager = make()
    if hasattr(manager, "driven"):

        async def use() -> None:
            async with manager.driven as entered:
                assert entered is manager.driven

        manager.loop.run_until_complete(use())
    else:
        with manager as entered:
            assert entered is manager
    manager.close()
