"""In-process copies of a store's revocation log, for checks that cost next to nothing."""

from gatepass.revocations.replica import AsyncReplica, Replica, replica_of
from gatepass.revocations.staleness import ReplicaStatus, WhenStale

__all__ = ["AsyncReplica", "Replica", "ReplicaStatus", "WhenStale", "replica_of"]
