"""Half of a surrogate pair as an id or subject: no store can hold it, so each refuses it alike."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gatepass.errors import ClaimsRejected, GatepassError
from gatepass.revocations import AsyncReplica, Replica
from gatepass.sessions import OpaquePlan, RotationKind, Session, Store
from gatepass.sessions.session import partition_digits, partition_of
from tests.servers.redis_sets import running
from tests.stores.plans import log_in, opaque, present, sid
from tests.stores.twins import Runner

LONE = ["\ud800", "\udfff", "zz\udc80", f"{partition_digits('ada')}\ud800", "\udc00\ud800"]


def changed(**names: str) -> OpaquePlan:
    return replace(opaque(sid("live")), **names)  # type: ignore[arg-type]


OPERATIONS: dict[str, Callable[[Any, str], object]] = {
    "issue an id": lambda store, bad: store.issue(log_in(session_id=bad)),
    "issue a subject": lambda store, bad: store.issue(log_in(bad, session_id=sid("new"))),
    "issue a device": lambda store, bad: store.issue(replace(log_in(), device=bad)),
    "issue a client": lambda store, bad: store.issue(replace(log_in(), client_id=bad)),
    "rotate": lambda store, bad: store.rotate(present(bad)),
    "issue_opaque a hash": lambda store, bad: store.issue_opaque(changed(opaque_id=bad)),
    "issue_opaque a token": lambda store, bad: store.issue_opaque(changed(token_id=bad)),
    "issue_opaque a session": lambda store, bad: store.issue_opaque(changed(session_id=bad)),
    "find_opaque": lambda store, bad: store.find_opaque(bad),
    "is_revoked a session": lambda store, bad: store.is_revoked(bad, None),
    "is_revoked a token": lambda store, bad: store.is_revoked(None, bad),
    "is_revoked both": lambda store, bad: store.is_revoked(sid("live"), bad),
    "revoke_session": lambda store, bad: store.revoke_session(bad, reason="log-out"),
    "revoke_session by its secret": lambda store, bad: store.revoke_session(
        bad, reason="log-out", sec_hash=bytes(32)
    ),
    "revoke_session for a reason": lambda store, bad: store.revoke_session(sid("live"), reason=bad),
    "revoke_token": lambda store, bad: store.revoke_token(bad),
    "revoke_subject": lambda store, bad: store.revoke_subject(bad, reason="log-out"),
    "revoke_subject for a reason": lambda store, bad: store.revoke_subject("ada", reason=bad),
    "revoke_subject but one": lambda store, bad: store.revoke_subject("a", reason="b", keep=bad),
    "revoke_all for a reason": lambda store, bad: store.revoke_all(reason=bad),
    "sessions": lambda store, bad: store.sessions(bad),
    "note_use": lambda store, bad: store.note_use(bad),
    "subject_epoch": lambda store, bad: store.subject_epoch(bad),
}


def test_half_of_a_surrogate_pair_is_refused_and_changes_nothing(store: Store) -> None:
    """PostgreSQL kept another id in its place, one that may be somebody's."""
    store.issue(log_in(session_id=sid("live")))
    store.issue(log_in("\ufffd", session_id=sid("other", "\ufffd")))

    for (what, operation), bad in itertools.product(OPERATIONS.items(), LONE):
        with pytest.raises(ClaimsRejected) as refused:
            operation(store, bad)
        assert repr(bad)[1:-1] not in repr(refused.value), what
        assert refused.value.__context__ is None, what
    assert [one.session_id for one in store.sessions("ada")] == [sid("live")]
    assert [one.subject for one in store.sessions("\ufffd")] == ["\ufffd"]
    assert (store.subject_epoch("ada"), store.subject_epoch("\ufffd")) == (0, 0)
    assert not store.is_revoked(sid("live"), "\ufffd")
    assert store.rotate(present(sid("live"))).kind is RotationKind.ROTATED


@pytest.mark.parametrize("subject", ["é", "名前", "\U0001f600", "\ufffd"])
def test_other_letters_than_ascii_are_kept(store: Store, subject: str) -> None:
    session = store.issue(log_in(subject, session_id=sid(f"{subject}!", subject)))

    assert isinstance(session, Session)
    assert store.sessions(subject) == [session]
    assert not store.is_revoked(session.session_id, subject)
    store.revoke_token(subject)
    assert store.is_revoked(session.session_id, subject)


def test_no_partition_is_named_for_half_of_a_surrogate_pair() -> None:
    for bad in LONE[:3]:
        with pytest.raises(ClaimsRejected):
            partition_of(bad)
        with pytest.raises(ClaimsRejected):
            partition_digits(bad)


@pytest.mark.parametrize("kind", ["redis 8", "cluster"])
def test_a_replica_has_a_typed_answer_too(kind: str, twin: str, runner: Runner) -> None:
    servers = running(kind)
    servers.flush()
    replica: Any = (Replica if twin == "sync" else AsyncReplica).from_url(servers.url)

    def ask(session_id: str | None, token_id: str | None) -> object:
        try:
            answer = replica.is_revoked(session_id, token_id)
            return answer if twin == "sync" else runner.run(answer)
        except GatepassError as error:
            return type(error)

    for bad in LONE * 3:  # stale at first
        assert ask(bad, None) in {False, ClaimsRejected}
        assert ask(None, bad) in {False, ClaimsRejected}
        assert ask(None, sid("token")) is False
    if twin == "sync":
        replica.close()
    else:
        runner.run(replica.close())
