"""Opaque access tokens: known by hash, as revocable as the session they came from."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.sessions import OpaqueKind, OpaquePlan, Session, Store, new_id
from tests.stores.plans import ACCESS_LIFE, LIFE, MINUTE, Clock, log_in, opaque, present, sid


@pytest.fixture
def plan(store: Store, session: Session) -> OpaquePlan:
    plan = opaque(session.session_id, session.subject)
    assert store.issue_opaque(plan) is not None
    return plan


def test_a_token_is_found_with_its_session(store: Store, session: Session, clock: Clock) -> None:
    plan = opaque(session.session_id, session.subject)
    issued = store.issue_opaque(plan)

    assert issued is not None
    assert (issued.issued_ms, issued.ends_ms) == (clock.ms, clock.ms + ACCESS_LIFE)
    fact = store.find_opaque(plan.opaque_id)
    assert fact.kind is OpaqueKind.LIVE
    assert fact.token == issued
    assert fact.token.session == session
    store.rotate(present(session.session_id, claims=b'{"role":"admin"}'))

    found = store.find_opaque(plan.opaque_id).token
    assert found is not None
    assert found.session.claims == {"role": "admin"}


def test_an_id_that_was_never_issued_is_unknown(store: Store, plan: OpaquePlan) -> None:
    assert store.find_opaque("00" + "ab" * 32).kind is OpaqueKind.UNKNOWN
    assert store.find_opaque(plan.opaque_id[:-1]).kind is OpaqueKind.UNKNOWN

    with pytest.raises(ValueError, match="in use"):
        store.issue_opaque(plan)

    assert store.find_opaque(plan.opaque_id).kind is OpaqueKind.LIVE


def test_a_token_ends_at_its_end_and_not_a_millisecond_later(
    store: Store, plan: OpaquePlan, clock: Clock
) -> None:
    clock.forward(ACCESS_LIFE - 1)
    assert store.find_opaque(plan.opaque_id).kind is OpaqueKind.LIVE

    clock.forward(1)
    fact = store.find_opaque(plan.opaque_id)
    assert fact.kind is OpaqueKind.EXPIRED
    assert fact.token is not None  # it still says which session to end
    assert fact.token.session.session_id == plan.session_id


def test_a_token_never_outlives_its_session(store: Store, session: Session, clock: Clock) -> None:
    clock.forward(LIFE - MINUTE)
    issued = store.issue_opaque(opaque(session.session_id, session.subject))

    assert issued is not None
    assert issued.ends_ms == session.ends_ms


@pytest.mark.parametrize("how", ["token", "session", "subject", "everybody", "reuse"])
def test_a_revoked_token_is_revoked_however_that_was_done(
    store: Store, session: Session, plan: OpaquePlan, clock: Clock, how: str
) -> None:
    if how == "token":
        store.revoke_token(plan.token_id)
    elif how == "session":
        store.revoke_session(session.session_id, reason="log-out")
    elif how == "subject":
        store.revoke_subject(session.subject, reason="password")
    elif how == "everybody":
        store.revoke_all(reason="restore")
    else:
        store.rotate(present(session.session_id))
        clock.forward(MINUTE)
        store.rotate(present(session.session_id))

    fact = store.find_opaque(plan.opaque_id)
    assert fact.kind is OpaqueKind.REVOKED
    assert fact.token is not None
    assert fact.token.session.session_id == plan.session_id


def test_a_session_revoked_before_it_was_stored_has_no_opaque_token_that_works(
    store: Store,
) -> None:
    store.revoke_session(sid("early"), reason="log-out")
    early = store.issue(log_in(session_id=sid("early")))
    assert early is not None
    plan = opaque(early.session_id, early.subject)
    store.issue_opaque(plan)

    assert store.is_revoked(early.session_id, None) is True
    assert store.find_opaque(plan.opaque_id).kind is not OpaqueKind.LIVE


def test_revoking_one_token_leaves_its_siblings(
    store: Store, session: Session, plan: OpaquePlan
) -> None:
    sibling = opaque(session.session_id, session.subject)
    store.issue_opaque(sibling)
    store.revoke_token(plan.token_id)

    assert store.find_opaque(sibling.opaque_id).kind is OpaqueKind.LIVE


def test_an_expired_token_is_expired_even_when_it_was_revoked(
    store: Store, session: Session, plan: OpaquePlan, clock: Clock
) -> None:
    store.revoke_session(session.session_id, reason="log-out")
    clock.forward(ACCESS_LIFE)

    assert store.find_opaque(plan.opaque_id).kind is OpaqueKind.EXPIRED


def test_no_token_comes_from_a_session_that_is_over(
    store: Store, session: Session, clock: Clock
) -> None:
    other = store.issue(log_in("bob"))
    assert other is not None
    store.revoke_session(other.session_id, reason="log-out")

    assert store.issue_opaque(opaque(other.session_id, other.subject)) is None
    assert store.issue_opaque(opaque(new_id("ada", bytes(16)))) is None
    clock.forward(LIFE)
    assert store.issue_opaque(opaque(session.session_id, session.subject)) is None


def test_a_purge_takes_tokens_past_their_retention(
    store: Store, session: Session, plan: OpaquePlan, clock: Clock
) -> None:
    clock.forward(ACCESS_LIFE + ACCESS_LIFE + 2 * MINUTE)
    store.purge()

    assert store.find_opaque(plan.opaque_id).kind is OpaqueKind.UNKNOWN
    assert not store.is_revoked(session.session_id, None)


def test_a_long_lived_token_keeps_the_log_for_as_long(
    store: Store, session: Session, clock: Clock
) -> None:
    plan = opaque(session.session_id, session.subject, life=4 * ACCESS_LIFE)
    store.issue_opaque(plan)
    store.revoke_token(plan.token_id)
    clock.forward(3 * ACCESS_LIFE)
    store.purge()

    assert store.find_opaque(plan.opaque_id).kind is OpaqueKind.REVOKED


def test_a_token_whose_session_row_is_gone_is_revoked_until_its_own_end(
    sqlite: Store, path: Path, clock: Clock
) -> None:
    session = sqlite.issue(log_in())
    assert session is not None
    plan = opaque(session.session_id, session.subject)
    sqlite.issue_opaque(plan)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM gatepass_sessions")

    assert sqlite.find_opaque(plan.opaque_id).kind is OpaqueKind.REVOKED
    clock.forward(ACCESS_LIFE)
    assert sqlite.find_opaque(plan.opaque_id).kind is OpaqueKind.EXPIRED


def test_a_damaged_row_is_an_outage_and_lets_nobody_in(sqlite: Store, path: Path) -> None:
    session = sqlite.issue(log_in())
    assert session is not None
    plan = opaque(session.session_id, session.subject)
    sqlite.issue_opaque(plan)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE gatepass_opaque_tokens SET ends_ms = 'never'")

    with pytest.raises(StoreUnavailable):
        sqlite.find_opaque(plan.opaque_id)
