"""What is decided about opaque access tokens, without a store."""

import pytest
from msgspec.structs import replace

from gatepass.sessions import (
    OpaqueFact,
    OpaqueKind,
    OpaquePlan,
    OpaqueToken,
    Session,
    new_id,
    opaque_id,
    plan_session,
)
from gatepass.sessions.opaque import judge_opaque, plan_opaque
from tests.stores.plans import LIFE, log_in

NOW_MS = 1_700_000_000_000
PLAN = OpaquePlan(
    opaque_id=opaque_id("ada", bytes(32)),
    token_id=new_id("ada", bytes(16)),
    session_id=new_id("ada", bytes(16)),
    lifetime_ms=60_000,
)


@pytest.fixture
def session() -> Session:
    return plan_session(log_in(), NOW_MS)


def test_an_id_begins_with_its_subjects_partition() -> None:
    assert PLAN.opaque_id[:2] == PLAN.token_id[:2]
    assert PLAN.opaque_id[2:] == bytes(32).hex()


def test_a_token_never_outlives_its_session(session: Session) -> None:
    early = plan_opaque(PLAN, session, NOW_MS)
    late = plan_opaque(PLAN, session, session.ends_ms - 1)

    assert early is not None
    assert late is not None
    assert (early.issued_ms, early.ends_ms) == (NOW_MS, NOW_MS + 60_000)
    assert late.ends_ms == session.ends_ms == NOW_MS + LIFE


def test_no_token_comes_of_a_session_that_is_over_revoked_or_unknown(session: Session) -> None:
    assert plan_opaque(PLAN, session, session.ends_ms) is None
    assert plan_opaque(PLAN, replace(session, revoked_ms=NOW_MS), NOW_MS) is None
    assert plan_opaque(PLAN, None, NOW_MS) is None


def test_expiry_is_told_before_revocation(session: Session) -> None:
    token = plan_opaque(PLAN, session, NOW_MS)
    assert token is not None
    over = OpaqueToken(
        token_id=token.token_id,
        issued_ms=token.issued_ms,
        ends_ms=token.ends_ms,
        session=replace(session, revoked_ms=NOW_MS),
    )

    def judged(token: OpaqueToken | None, now_ms: int, *, is_revoked: bool = False) -> OpaqueFact:
        return judge_opaque(token, is_revoked=is_revoked, now_ms=now_ms)

    assert judged(token, token.ends_ms - 1) == OpaqueFact(kind=OpaqueKind.LIVE, token=token)
    assert judged(token, token.ends_ms, is_revoked=True).kind is OpaqueKind.EXPIRED
    assert judged(token, NOW_MS, is_revoked=True).kind is OpaqueKind.REVOKED
    assert judged(over, NOW_MS).kind is OpaqueKind.REVOKED
    assert judged(None, NOW_MS).kind is OpaqueKind.UNKNOWN
