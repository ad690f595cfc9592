"""API keys: sessions with one opaque token, counted, listed and ended apart from logins."""

import pytest

from gatepass.sessions import IssuePlan, OpaqueKind, RevokeKind, RotationKind, Session, Store
from gatepass.sessions.session import KEY_SEC_HASH
from tests.stores.plans import LIFE, MINUTE, Clock, key, log_in, present, sid

YEAR = 365 * 24 * 60 * MINUTE


def issued(store: Store, plan: IssuePlan) -> Session:
    session = store.issue(plan)
    assert session is not None
    return session


def state(store: Store, plan: IssuePlan) -> OpaqueKind:
    assert plan.opaque_id is not None
    return store.find_opaque(plan.opaque_id).kind


def test_a_key_is_found_by_its_hash_in_the_step_that_issued_it(store: Store, clock: Clock) -> None:
    plan = key()
    made = issued(store, plan)

    assert made.kind == "key"
    assert plan.opaque_id is not None
    token = store.find_opaque(plan.opaque_id).token
    assert token is not None
    assert token.session == made
    assert (token.token_id, token.issued_ms, token.ends_ms) == (
        made.session_id,
        clock.ms,
        made.ends_ms,
    )


def test_keys_are_listed_apart_newest_first(store: Store, session: Session, clock: Clock) -> None:
    old = issued(store, key())
    clock.forward(MINUTE)
    new = issued(store, key())
    issued(store, key("bob"))

    assert store.sessions("ada", kind="key") == [new, old]
    assert store.sessions("ada") == [session]


def test_keys_and_sessions_are_counted_apart(store: Store, clock: Clock) -> None:
    first = key(most=2)
    issued(store, first)
    for _ in range(3):
        clock.forward(MINUTE)
        issued(store, log_in(max_sessions=2))
    second = key(most=2)
    issued(store, second)

    assert len(store.sessions("ada")) == 2
    assert state(store, first) is OpaqueKind.LIVE
    clock.forward(MINUTE)
    issued(store, key(most=2))

    assert state(store, first) is OpaqueKind.REVOKED
    assert state(store, second) is OpaqueKind.LIVE
    assert len(store.sessions("ada")) == 2


def test_a_key_lives_as_long_as_its_session_and_no_idleness_ends_it(
    store: Store, clock: Clock
) -> None:
    plan = key(life=YEAR)
    issued(store, plan)
    clock.forward(YEAR - 1)
    assert state(store, plan) is OpaqueKind.LIVE

    clock.forward(1)
    assert state(store, plan) is OpaqueKind.EXPIRED


@pytest.mark.parametrize("how", ["session", "subject", "everybody"])
def test_a_revoked_key_is_revoked_for_as_long_as_it_would_have_lived(
    store: Store, clock: Clock, how: str
) -> None:
    plan = key(life=YEAR)
    issued(store, plan)
    if how == "session":
        assert store.revoke_session(plan.session_id, reason="lost") is RevokeKind.REVOKED
    elif how == "subject":
        assert store.revoke_subject("ada", reason="left") == 1
    else:
        assert store.revoke_all(reason="restore") == 1
    assert state(store, plan) is OpaqueKind.REVOKED

    clock.forward(YEAR - MINUTE)
    issued(store, key("bob"))
    store.purge()

    assert state(store, plan) is OpaqueKind.REVOKED
    assert store.sessions("ada", kind="key") == []


def test_the_end_of_a_subjects_sessions_leaves_its_keys_where_that_is_wanted(
    store: Store, session: Session
) -> None:
    plan = key()
    issued(store, plan)

    assert store.revoke_subject("ada", reason="password", keep_keys=True) == 1
    assert state(store, plan) is OpaqueKind.LIVE
    assert store.is_revoked(session.session_id, None)
    assert store.revoke_subject("ada", reason="left", keep=plan.session_id) == 0
    assert state(store, plan) is OpaqueKind.LIVE
    assert store.revoke_subject("ada", reason="left") == 1
    assert state(store, plan) is OpaqueKind.REVOKED


def test_no_key_comes_from_before_the_epoch_changed(store: Store) -> None:
    epoch = store.subject_epoch("ada")
    store.revoke_subject("ada", reason="password", keep_keys=True)
    plan = key(epoch=epoch)

    assert store.issue(plan) is None
    assert state(store, plan) is OpaqueKind.UNKNOWN
    assert store.sessions("ada", kind="key") == []


def test_the_hash_of_no_secret_ends_keys_alone(store: Store, session: Session) -> None:
    plan = key()
    issued(store, plan)

    def end(session_id: str) -> RevokeKind:
        return store.revoke_session(session_id, reason="lost", sec_hash=KEY_SEC_HASH)

    assert end(session.session_id) is RevokeKind.UNKNOWN
    assert end(sid("nobody's")) is RevokeKind.UNKNOWN
    assert not store.is_revoked(session.session_id, None)
    assert end(plan.session_id) is RevokeKind.REVOKED
    assert end(plan.session_id) is RevokeKind.ALREADY


def test_a_refresh_token_of_a_key_needs_a_secret_that_nobody_has(store: Store) -> None:
    made = issued(store, key())

    assert store.rotate(present(made.session_id)).kind is RotationKind.UNKNOWN


def test_the_use_of_a_key_is_noted(store: Store, session: Session, clock: Clock) -> None:
    plan = key()
    made = issued(store, plan)
    clock.forward(MINUTE)
    for each in (made.session_id, session.session_id, sid("nobody's")):
        store.note_use(each)

    [noted] = store.sessions("ada", kind="key")
    assert noted.last_used_ms == clock.ms
    assert (noted.created_ms, noted.ends_ms) == (made.created_ms, made.ends_ms)
    assert store.sessions("ada") == [session]
    assert state(store, plan) is OpaqueKind.LIVE

    store.revoke_session(made.session_id, reason="lost")
    store.note_use(made.session_id)
    assert state(store, plan) is OpaqueKind.REVOKED


def test_a_purge_takes_keys_past_their_retention(store: Store, clock: Clock) -> None:
    plan = key()
    issued(store, plan)
    clock.forward(2 * LIFE)
    store.purge()

    assert state(store, plan) is OpaqueKind.UNKNOWN
