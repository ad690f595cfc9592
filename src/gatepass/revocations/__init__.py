"""In-process copies of a store's revocation log, for checks that cost next to nothing."""

from gatepass.revocations.choice import replica_of
from gatepass.revocations.staleness import ReplicaStatus, WhenStale

__all__ = ["ReplicaStatus", "WhenStale", "replica_of"]
