"""Keys in many hands at once: those that race with a revocation are dead, and all others live."""

import pytest

from gatepass.sessions import IssuePlan, OpaqueFact, OpaqueKind, RevokeKind, Session, Store
from gatepass.sessions.session import KEY_SEC_HASH
from tests.stores.crowd import Crowd, call
from tests.stores.plans import key, log_in
from tests.stores.test_races import ROUNDS, scene

__all__ = ["scene"]


def kind_of(store: Store, plan: IssuePlan) -> OpaqueKind:
    assert plan.opaque_id is not None
    return store.find_opaque(plan.opaque_id).kind


@pytest.mark.parametrize("rounds", ROUNDS)
def test_no_key_of_a_subject_outlives_a_racing_revocation(
    scene: tuple[Store, Crowd], rounds: int
) -> None:
    store, everybody = scene

    for number in range(rounds):
        subject = f"subject {number}"
        old = key(subject)
        assert store.issue(old) is not None
        late = [key(subject, epoch=0) for _ in range(6)]
        checks = [call("find_opaque", old.opaque_id) for _ in range(4)]
        notes = [call("note_use", old.session_id) for _ in range(2)]
        end = call("revoke_subject", subject, reason="left")
        issues = [call("issue", plan) for plan in late]
        answers = everybody.all_at_once([*issues[:3], *checks, end, *notes, *issues[3:]])

        assert store.sessions(subject, kind="key") == []
        assert kind_of(store, old) is OpaqueKind.REVOKED
        for plan in late:
            assert kind_of(store, plan) in {OpaqueKind.REVOKED, OpaqueKind.UNKNOWN}
        kinds = {one.kind for one in answers if isinstance(one, OpaqueFact)}
        assert kinds <= {OpaqueKind.LIVE, OpaqueKind.REVOKED}


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_racing_end_of_one_key_is_final(scene: tuple[Store, Crowd], rounds: int) -> None:
    store, everybody = scene

    for number in range(rounds):
        subject = f"subject {number}"
        plan, other = key(subject), key(subject)
        assert store.issue(plan) is not None
        end = call("revoke_session", plan.session_id, reason="lost", sec_hash=KEY_SEC_HASH)
        notes = [call("note_use", plan.session_id)] * 4
        log_ins = [call("issue", log_in(subject, max_sessions=1)) for _ in range(3)]
        answers = everybody.all_at_once([*notes, end, *log_ins, end, call("issue", other)])

        ends = [answer for answer in answers if isinstance(answer, RevokeKind)]
        assert sorted(one.value for one in ends) == ["already", "revoked"]
        assert kind_of(store, plan) is OpaqueKind.REVOKED
        assert kind_of(store, other) is OpaqueKind.LIVE
        assert isinstance(answers[-1], Session)
        assert [one.session_id for one in store.sessions(subject, kind="key")] == [other.session_id]
