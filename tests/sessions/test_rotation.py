"""The rotation table as a pure function, against any sequence of what can happen to a session."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gatepass.sessions import RotationKind, Session, plan_session, rotate
from gatepass.sessions.rotation import MAX_RECENT
from tests.stores.plans import LEEWAY, LIFE, SEC_HASH, log_in, present

NOW = 1_800_000_000_000
CHANGING = {RotationKind.ROTATED, RotationKind.AHEAD, RotationKind.REUSED}
ANSWERED = {RotationKind.ROTATED, RotationKind.AHEAD, RotationKind.REPLAYED}

FRESH = plan_session(log_in(session_id="a"), NOW)
AT_FIVE = replace(
    FRESH,
    generation=5,
    recent=((2, NOW - LEEWAY - 1), (3, NOW - LEEWAY), (4, NOW)),
)


@pytest.mark.parametrize(
    ("presented", "at_ms", "kind"),
    [
        (5, NOW, RotationKind.ROTATED),
        (5, FRESH.idle_ends_ms - 1, RotationKind.ROTATED),
        (5, FRESH.idle_ends_ms, RotationKind.EXPIRED),
        (5, FRESH.ends_ms, RotationKind.EXPIRED),
        (4, NOW, RotationKind.REPLAYED),
        (4, NOW + LEEWAY, RotationKind.REPLAYED),
        (4, NOW + LEEWAY + 1, RotationKind.REUSED),
        (4, NOW - LEEWAY, RotationKind.REPLAYED),
        (4, NOW - LEEWAY - 1, RotationKind.REUSED),
        (3, NOW, RotationKind.REPLAYED),
        (2, NOW, RotationKind.REUSED),
        (1, NOW, RotationKind.REUSED),
        (0, NOW, RotationKind.REUSED),
        (4, FRESH.idle_ends_ms, RotationKind.EXPIRED),
        (6, NOW, RotationKind.AHEAD),
        (69, NOW, RotationKind.AHEAD),
        (70, NOW, RotationKind.UNKNOWN),
        (6, FRESH.idle_ends_ms, RotationKind.AHEAD),
        (6, FRESH.ends_ms, RotationKind.EXPIRED),
    ],
)
def test_the_table(presented: int, at_ms: int, kind: RotationKind) -> None:
    fact = rotate(AT_FIVE, present("a", presented), at_ms)

    assert fact.kind is kind
    assert (fact.session == AT_FIVE) == (kind not in CHANGING | {RotationKind.UNKNOWN})
    revoked = replace(AT_FIVE, revoked_ms=NOW)
    assert rotate(revoked, present("a", presented), at_ms).kind is RotationKind.REVOKED
    forged = present("a", presented, sec_hash=SEC_HASH[::-1])
    assert rotate(AT_FIVE, forged, at_ms).kind is RotationKind.UNKNOWN
    assert rotate(None, present("a", presented), at_ms).kind is RotationKind.UNKNOWN


def test_a_rotation_forgets_what_has_left_the_leeway() -> None:
    session = rotate(AT_FIVE, present("a", 5), NOW).session

    assert session is not None
    assert session.recent == ((3, NOW - LEEWAY), (4, NOW), (5, NOW))


def test_without_leeway_nothing_is_remembered_or_replayed() -> None:
    session = rotate(AT_FIVE, present("a", 5, leeway=0), NOW).session

    assert session is not None
    assert session.recent == ()
    assert rotate(AT_FIVE, present("a", 4, leeway=0), NOW).kind is RotationKind.REUSED


steps = st.tuples(
    st.integers(min_value=-3, max_value=70),
    st.integers(min_value=-2 * LEEWAY, max_value=LIFE // 3),
    st.sampled_from([0, 1, LEEWAY]),
)


@given(st.lists(steps, max_size=40))
def test_no_sequence_forks_a_session_or_wakes_a_revoked_one(
    sequence: list[tuple[int, int, int]],
) -> None:
    session: Session = FRESH
    now_ms = NOW
    for distance, passed_ms, leeway in sequence:
        now_ms += passed_ms
        presented = max(session.generation + distance, 0)
        before = session
        fact = rotate(session, present("a", presented, leeway=leeway), now_ms)
        session = fact.session or session

        if fact.kind not in CHANGING:
            assert session == before
        if fact.kind in ANSWERED:
            assert before.revoked_ms is None
            assert now_ms < before.ends_ms
            assert session.generation >= before.generation
            assert session.generation > presented
        if before.revoked_ms is not None:
            assert fact.kind is RotationKind.REVOKED
        assert len(session.recent) <= MAX_RECENT
        assert session.ends_ms == FRESH.ends_ms
        assert session.idle_ends_ms <= session.ends_ms
