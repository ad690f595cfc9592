"""Revocation by token, session, subject and for everybody, on every store."""

from dataclasses import replace

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.sessions import RevokeKind, RotationKind, Session, Store
from gatepass.stores.redis import revoke_subject
from gatepass.stores.sql.postgres import work
from tests.stores.plans import IDLE, SEC_HASH, SECOND, Clock, log_in, present, sid


def opened(
    store: Store, name: str, subject: str = "ada", *, idle: int = IDLE, actor: str | None = None
) -> Session:
    plan = log_in(subject, session_id=sid(name, subject), idle=idle)
    session = store.issue(replace(plan, actor=actor))
    assert session is not None
    return session


def test_revoking_a_session_ends_it_says_why_and_again_changes_nothing(
    store: Store, session: Session, clock: Clock
) -> None:
    clock.forward(SECOND)

    assert store.revoke_session(session.session_id, reason="log-out") is RevokeKind.REVOKED

    fact = store.rotate(present(session.session_id))
    assert fact.kind is RotationKind.REVOKED
    assert fact.session is not None
    assert (fact.session.revoked_ms, fact.session.reason) == (clock.ms, "log-out")
    assert fact.session.recent == ()
    assert store.is_revoked(session.session_id, "token")
    assert store.sessions("ada") == []

    store.revoke_session(session.session_id, reason="log-out")
    before = store.rotate(present(session.session_id)).session
    clock.forward(SECOND)

    assert store.revoke_session(session.session_id, reason="theft") is RevokeKind.ALREADY
    assert store.rotate(present(session.session_id)).session == before


def test_the_secret_must_be_the_sessions_when_it_is_given(store: Store, session: Session) -> None:
    wrong = store.revoke_session(session.session_id, reason="log-out", sec_hash=SEC_HASH[::-1])
    missing = store.revoke_session(sid("missing"), reason="log-out", sec_hash=SEC_HASH)

    assert [wrong, missing] == [RevokeKind.UNKNOWN, RevokeKind.UNKNOWN]
    assert not store.is_revoked(session.session_id, None)
    right = store.revoke_session(session.session_id, reason="log-out", sec_hash=SEC_HASH)
    assert right is RevokeKind.REVOKED


def test_a_missing_session_is_revoked_and_stays_so_when_it_comes(store: Store) -> None:
    assert store.is_revoked(sid("missing"), None)
    assert store.revoke_session(sid("missing"), reason="log-out") is RevokeKind.UNKNOWN
    assert store.is_revoked(sid("missing"), None)

    store.revoke_session(sid("late"), reason="log-out")

    opened(store, "late")

    assert store.is_revoked(sid("late"), None)


def test_a_token_is_revoked_alone_and_mixes_with_no_session(store: Store, session: Session) -> None:
    store.revoke_token("stolen")
    store.revoke_token("stolen")

    assert store.is_revoked(session.session_id, "stolen")
    assert store.is_revoked(None, "stolen")
    assert not store.is_revoked(session.session_id, "other")

    store.revoke_token(session.session_id)

    assert not store.is_revoked(session.session_id, None)
    assert store.is_revoked(None, session.session_id)

    assert not store.is_revoked(None, None)


def test_revoking_a_subject_ends_all_its_sessions(store: Store, clock: Clock) -> None:
    for name in ("a", "b", "c"):
        opened(store, name)
    store.revoke_session(sid("c"), reason="log-out")
    opened(store, "other", "bob")

    assert store.revoke_subject("ada", reason="password changed") == 2

    assert all(store.is_revoked(sid(name), None) for name in ("a", "b", "c"))
    assert not store.is_revoked(sid("other", "bob"), None)
    assert store.sessions("ada") == []
    fact = store.rotate(present(sid("a")))
    assert fact.session is not None
    assert (fact.session.revoked_ms, fact.session.reason) == (clock.ms, "password changed")
    assert store.revoke_subject("ada", reason="again") == 0
    assert store.subject_epoch("ada") == 2
    assert store.revoke_subject("nobody", reason="again") == 0


def test_revoking_a_subject_can_keep_one_of_its_sessions(store: Store) -> None:
    kept = opened(store, "kept")
    for name in ("a", "b"):
        opened(store, name)
    opened(store, "as", "bob", actor="ada")

    assert store.revoke_subject("ada", reason="password changed", keep=sid("kept")) == 3

    assert all(store.is_revoked(sid(name), None) for name in ("a", "b"))
    assert store.is_revoked(sid("as", "bob"), None)
    assert not store.is_revoked(sid("kept"), None)
    assert store.sessions("ada") == [kept]
    assert store.subject_epoch("ada") == 1
    assert store.issue(log_in(epoch=0)) is None
    assert store.rotate(present(sid("kept"))).kind is RotationKind.ROTATED
    assert store.revoke_subject("ada", reason="again") == 1
    assert store.is_revoked(sid("kept"), None)


def test_a_session_of_another_subject_or_an_ended_one_cannot_be_kept(store: Store) -> None:
    opened(store, "other", "bob")
    opened(store, "ended")
    opened(store, "as itself", "ada", actor="ada")
    store.revoke_session(sid("ended"), reason="log-out")

    assert store.revoke_subject("ada", reason="end", keep=sid("as itself")) == 1
    assert store.revoke_subject("ada", reason="end", keep=sid("ended")) == 0
    assert store.revoke_subject("bob", reason="end", keep=sid("ended")) == 1
    assert all(store.is_revoked(each, None) for each in (sid("ended"), sid("other", "bob")))


@pytest.mark.parametrize("everybody", [False, True])
def test_an_idle_session_cannot_come_back_after_its_subject_was_revoked(
    store: Store, clock: Clock, *, everybody: bool
) -> None:
    opened(store, "idle", idle=SECOND)
    clock.forward(SECOND)

    if everybody:
        ended = store.revoke_all(reason="restore")
    else:
        ended = store.revoke_subject("ada", reason="password changed")

    assert ended == 0
    assert store.rotate(present(sid("idle"), 1)).kind is RotationKind.REVOKED


def test_revoking_an_actor_ends_what_it_opened_whoever_it_is_about(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revoke_subject, "_STEP", 2)
    monkeypatch.setattr(work, "BATCH", 2)
    customers = [f"customer {number}" for number in range(20)]
    ends = [opened(store, "as", one, actor="support-7").session_id for one in customers]
    ends += [opened(store, f"as {number}", "ada", actor="support-7").session_id for number in "123"]
    ends += [opened(store, "own", "support-7").session_id]
    ends += [opened(store, "as itself", "support-7", actor="support-7").session_id]
    stays = [opened(store, "own", one).session_id for one in customers]
    stays += [opened(store, "as", "bob", actor="support-8").session_id]
    store.revoke_session(ends[0], reason="log-out")
    idle = opened(store, "idle", "bob", idle=SECOND, actor="support-7").session_id
    clock.forward(SECOND)

    assert store.revoke_subject("support-7", reason="left") == len(ends) - 1

    assert all(store.is_revoked(one, None) for one in [*ends, idle])
    assert not any(store.is_revoked(one, None) for one in stays)
    assert store.rotate(present(idle, 1)).kind is RotationKind.REVOKED
    fact = store.rotate(present(ends[1]))
    assert fact.session is not None
    assert (fact.session.revoked_ms, fact.session.reason) == (clock.ms, "left")
    assert [store.subject_epoch(one) for one in ("support-7", "ada")] == [1, 0]
    assert store.revoke_subject("support-7", reason="again") == 0


def test_revoking_the_subject_or_everybody_ends_what_an_actor_opened(store: Store) -> None:
    opened(store, "as", "ada", actor="support-7")
    opened(store, "as", "bob", actor="support-7")

    assert store.revoke_subject("ada", reason="password changed") == 1
    assert store.revoke_all(reason="restore") == 1
    assert store.revoke_subject("support-7", reason="left") == 0


def test_revoking_everybody_ends_every_session(store: Store) -> None:
    ids = [
        opened(store, f"session {number}", f"subject {number % 7}").session_id
        for number in range(30)
    ]
    store.revoke_session(ids[0], reason="log-out")

    assert store.revoke_all(reason="restore") == 29

    assert all(store.is_revoked(one, None) for one in ids)
    assert store.revoke_all(reason="restore") == 0
    assert store.issue(log_in("subject 1", session_id=sid("fresh", "subject 1"))) is not None
    assert not store.is_revoked(sid("fresh", "subject 1"), None)


def test_a_closed_store_refuses_everything(store: Store, session: Session) -> None:
    store.close()
    store.close()

    for operation in (
        lambda: store.issue(log_in()),
        lambda: store.rotate(present(session.session_id)),
        lambda: store.is_revoked(session.session_id, None),
        lambda: store.revoke_session(session.session_id, reason="log-out"),
        lambda: store.revoke_token("token"),
        lambda: store.revoke_subject("ada", reason="log-out"),
        lambda: store.revoke_all(reason="log-out"),
        lambda: store.sessions("ada"),
        lambda: store.subject_epoch("ada"),
        store.purge,
    ):
        with pytest.raises(StoreUnavailable):
            operation()
