"""Every row of the rotation table, on every store, in both twins."""

import pytest

from gatepass.sessions import RotationKind, Session, Store
from tests.stores.plans import IDLE, LEEWAY, LIFE, MINUTE, SEC_HASH, Clock, log_in, present


def test_the_current_generation_rotates(store: Store, session: Session, clock: Clock) -> None:
    clock.forward(MINUTE)

    fact = store.rotate(present(session.session_id))

    assert fact.kind is RotationKind.ROTATED
    assert fact.session is not None
    assert fact.session.generation == 1
    assert fact.session.born_ms == fact.session.last_used_ms == clock.ms
    assert fact.session.idle_ends_ms == clock.ms + IDLE
    assert fact.session.ends_ms == session.ends_ms
    assert fact.session.auth_time == session.auth_time
    assert fact.session.recent == ((0, clock.ms),)


def test_the_idle_end_slides_no_further_than_the_absolute_end(
    store: Store, session: Session, clock: Clock
) -> None:
    for generation in range(4):
        clock.forward(IDLE - 1)
        fact = store.rotate(present(session.session_id, generation))

    assert fact.kind is RotationKind.ROTATED
    assert fact.session is not None
    assert fact.session.idle_ends_ms == session.ends_ms


def test_claims_stay_unless_they_are_replaced(store: Store, session: Session) -> None:
    kept = store.rotate(present(session.session_id, 0)).session
    replaced = store.rotate(present(session.session_id, 1, claims=b'{"role":"admin"}')).session
    later = store.rotate(present(session.session_id, 2)).session

    assert kept is not None
    assert replaced is not None
    assert later is not None
    assert kept.claims == {"role": "user"}
    assert replaced.claims == later.claims == {"role": "admin"}


def test_a_replay_inside_the_leeway_changes_nothing(
    store: Store, session: Session, clock: Clock
) -> None:
    after = store.rotate(present(session.session_id)).session
    clock.forward(LEEWAY)

    fact = store.rotate(present(session.session_id, claims=b'{"role":"admin"}'))

    assert fact.kind is RotationKind.REPLAYED
    assert fact.session == after
    assert store.sessions("ada") == [after]


def test_a_replay_after_the_leeway_revokes_the_session(
    store: Store, session: Session, clock: Clock
) -> None:
    store.rotate(present(session.session_id))
    clock.forward(LEEWAY + 1)

    fact = store.rotate(present(session.session_id))

    assert fact.kind is RotationKind.REUSED
    assert fact.session is not None
    assert (fact.session.revoked_ms, fact.session.reason) == (clock.ms, "reuse")
    assert store.is_revoked(session.session_id, None)
    assert store.rotate(present(session.session_id, 1)).kind is RotationKind.REVOKED
    assert store.sessions("ada") == []


def test_replays_do_not_extend_the_leeway(store: Store, session: Session, clock: Clock) -> None:
    store.rotate(present(session.session_id))
    kinds = []
    for _ in range(3):
        clock.forward(LEEWAY // 2)
        kinds.append(store.rotate(present(session.session_id)).kind)

    assert kinds == [RotationKind.REPLAYED, RotationKind.REPLAYED, RotationKind.REUSED]


def test_without_leeway_the_second_use_is_reuse(store: Store, session: Session) -> None:
    first = store.rotate(present(session.session_id, leeway=0))
    second = store.rotate(present(session.session_id, leeway=0))

    assert first.session is not None
    assert first.session.recent == ()
    assert [first.kind, second.kind] == [RotationKind.ROTATED, RotationKind.REUSED]


def test_a_clock_set_back_does_not_stretch_the_leeway(
    store: Store, session: Session, clock: Clock
) -> None:
    store.rotate(present(session.session_id))

    clock.forward(-LEEWAY)
    near = store.rotate(present(session.session_id)).kind
    clock.forward(-1)
    far = store.rotate(present(session.session_id)).kind

    assert [near, far] == [RotationKind.REPLAYED, RotationKind.REUSED]


def test_only_the_last_eight_rotations_are_replayed(store: Store, session: Session) -> None:
    for generation in range(10):
        store.rotate(present(session.session_id, generation))

    eighth_last = store.rotate(present(session.session_id, 2))
    ninth_last = store.rotate(present(session.session_id, 1))

    assert eighth_last.kind is RotationKind.REPLAYED
    assert eighth_last.session is not None
    assert eighth_last.session.generation == 10
    assert len(eighth_last.session.recent) == 8
    assert ninth_last.kind is RotationKind.REUSED


@pytest.mark.parametrize("ahead", [1, 64])
def test_a_generation_ahead_moves_the_session_forward(
    store: Store, session: Session, clock: Clock, ahead: int
) -> None:
    fact = store.rotate(present(session.session_id, ahead))
    again = store.rotate(present(session.session_id, ahead))

    assert fact.kind is RotationKind.AHEAD
    assert fact.session is not None
    assert fact.session.generation == ahead + 1
    assert fact.session.recent == ((ahead, clock.ms),)
    assert again.kind is RotationKind.REPLAYED
    assert store.rotate(present(session.session_id, ahead + 1)).kind is RotationKind.ROTATED


def test_a_generation_too_far_ahead_is_unknown_and_changes_nothing(
    store: Store, session: Session
) -> None:
    fact = store.rotate(present(session.session_id, 65))

    assert (fact.kind, fact.session) == (RotationKind.UNKNOWN, None)
    assert store.sessions("ada") == [session]


def test_a_generation_ahead_counts_before_the_idle_end(
    store: Store, session: Session, clock: Clock
) -> None:
    clock.forward(IDLE)

    assert store.rotate(present(session.session_id, 0)).kind is RotationKind.EXPIRED
    assert store.rotate(present(session.session_id, 1)).kind is RotationKind.AHEAD


@pytest.mark.parametrize("generation", [0, 1])
def test_nothing_comes_after_the_absolute_end(store: Store, clock: Clock, generation: int) -> None:
    session = store.issue(log_in(idle=LIFE))
    assert session is not None
    clock.forward(LIFE)

    fact = store.rotate(present(session.session_id, generation))

    assert (fact.kind, fact.session) == (RotationKind.EXPIRED, session)


def test_the_last_moment_before_the_idle_end_still_counts(
    store: Store, session: Session, clock: Clock
) -> None:
    clock.forward(IDLE - 1)

    assert store.rotate(present(session.session_id)).kind is RotationKind.ROTATED


def test_a_forged_token_with_the_wrong_secret_changes_nothing(
    store: Store, session: Session, clock: Clock
) -> None:
    store.rotate(present(session.session_id))
    clock.forward(LEEWAY + 1)

    for generation in (0, 1, 2):
        forged = present(session.session_id, generation, sec_hash=SEC_HASH[::-1])
        assert store.rotate(forged).kind is RotationKind.UNKNOWN

    assert not store.is_revoked(session.session_id, None)
    assert store.rotate(present(session.session_id, 1)).kind is RotationKind.ROTATED


def test_an_unknown_session_is_unknown(store: Store) -> None:
    fact = store.rotate(present("no such session"))

    assert (fact.kind, fact.session) == (RotationKind.UNKNOWN, None)


@pytest.mark.parametrize("generation", [0, 1, 2, 80])
def test_a_revoked_session_stays_revoked(store: Store, session: Session, generation: int) -> None:
    store.rotate(present(session.session_id))
    store.revoke_session(session.session_id, reason="log-out")

    assert store.rotate(present(session.session_id, generation)).kind is RotationKind.REVOKED
