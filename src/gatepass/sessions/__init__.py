"""Sessions, their rotation, and the promises of a store. Pure: no clock, no I/O."""

from gatepass.sessions.limits import Bucket
from gatepass.sessions.opaque import (
    OpaqueFact,
    OpaqueKind,
    OpaquePlan,
    OpaqueToken,
    judge_opaque,
    key_token,
    opaque_id,
    plan_opaque,
)
from gatepass.sessions.rotation import RotationFact, RotationKind, RotationPlan, rotate
from gatepass.sessions.session import Session, SessionKind, new_id, partition_of
from gatepass.sessions.store import (
    AsyncRevocations,
    AsyncStore,
    IssuePlan,
    Revocations,
    RevokeKind,
    Store,
    plan_session,
)

__all__ = [
    "AsyncRevocations",
    "AsyncStore",
    "Bucket",
    "IssuePlan",
    "OpaqueFact",
    "OpaqueKind",
    "OpaquePlan",
    "OpaqueToken",
    "Revocations",
    "RevokeKind",
    "RotationFact",
    "RotationKind",
    "RotationPlan",
    "Session",
    "SessionKind",
    "Store",
    "judge_opaque",
    "key_token",
    "new_id",
    "opaque_id",
    "partition_of",
    "plan_opaque",
    "plan_session",
    "rotate",
]
