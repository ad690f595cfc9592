"""`RedisStore`: sessions in Redis or Valkey, alone, with Sentinel or as a Cluster."""

from collections.abc import Callable
from typing import ClassVar, Literal, Self

from gatepass.sessions import (
    IssuePlan,
    OpaqueFact,
    OpaquePlan,
    OpaqueToken,
    RevokeKind,
    RotationFact,
    RotationPlan,
    Session,
)
from gatepass.stores.listeners import Listeners
from gatepass.stores.redis.checks import Finding
from gatepass.stores.redis.clients import Client, target_of
from gatepass.stores.redis.connections import Connections
from gatepass.stores.redis.target import Target, target_of_url
from gatepass.stores.redis.work import PREFIX, TIMEOUT_S, RedisWork


class RedisStore:
    """Sessions in Redis; log-ins and revocations count only once they are durable.

    Every operation raises `StoreUnavailable` within the time limit when Redis did not do, or
    did not confirm, what it was asked. Connections are opened on first use, and never shared
    with a forked child. Rows expire by themselves: `purge` has nothing to do.
    """

    is_async: ClassVar[Literal[False]] = False
    database: ClassVar = "redis"

    def __init__(
        self,
        client: Client | Target,
        *,
        clock: Callable[[], float] | None = None,
        replicas: int | None = None,
        prefix: str = PREFIX,
        timeout: float = TIMEOUT_S,
    ) -> None:
        """Take the address, credentials and TLS settings of a client.

        Args:
            client: Says where Redis is; the store opens connections of its own.
            clock: Seconds since 1970, for tests; by default the server's clock.
            replicas: How many replicas have to confirm a log-in or revocation. By default one
                with Sentinel or Cluster, or where the server has any; else its disk does.
            prefix: What the names of all keys begin with.
            timeout: Seconds within which every operation ends.

        Raises:
            TypeError: It is no client of redis-py for blocking use.
            SettingsRejected: `replicas`, `prefix` or `timeout` is out of bounds.
        """
        target = target_of(client, replicas, is_async=False)
        self.listeners = Listeners()
        self.work = RedisWork(target, clock, prefix, timeout)
        self._run = Connections(target)

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        clock: Callable[[], float] | None = None,
        replicas: int | None = None,
        prefix: str = PREFIX,
        timeout: float = TIMEOUT_S,
    ) -> Self:
        """A store at `redis://`, `rediss://`, `redis+sentinel://` or `redis+cluster://`.

        Raises:
            SettingsRejected: The URL cannot be read, or an argument is out of bounds.
        """
        target = target_of_url(url)
        return cls(target, clock=clock, replicas=replicas, prefix=prefix, timeout=timeout)

    def check(self) -> list[Finding]:
        """What weakens the store's promises, about each primary; empty when all is well.

        Raises:
            StoreUnavailable: A primary does not answer.
        """
        return self._run.run(self.work.check())

    def issue(self, plan: IssuePlan) -> Session | None:
        """Insert a session under its subject's lock, durably; `None`: the epoch has changed.

        Raises:
            ValueError: The session id is in use, or not one of its subject.
        """
        return self._run.run(self.work.issue(plan))

    def rotate(self, plan: RotationPlan) -> RotationFact:
        """Apply the rotation table in one script; `REUSED` is durable before it returns."""
        fact = self._run.run(self.work.rotate(plan))
        self.listeners.rotated(plan.session_id, fact)
        return fact

    def issue_opaque(self, plan: OpaquePlan) -> OpaqueToken | None:
        """Record an opaque access token by its hash; `None`: the session is over or unknown.

        Raises:
            ValueError: The hash is in use, or an id is of another subject than the session.
        """
        return self._run.run(self.work.issue_opaque(plan))

    def find_opaque(self, opaque_id: str) -> OpaqueFact:
        """What is known of an opaque access token, revocation included."""
        return self._run.run(self.work.find_opaque(opaque_id))

    def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """Whether the session was revoked or is missing, or the token was revoked."""
        return self._run.run(self.work.is_revoked(session_id, token_id))

    def revoke_session(
        self, session_id: str, *, reason: str, sec_hash: bytes | None = None
    ) -> RevokeKind:
        """End a session and log it; `sec_hash`, when given, must be the row's."""
        kind = self._run.run(self.work.revoke_session(session_id, reason, sec_hash))
        self.listeners.session(session_id, kind, sec_hash)
        return kind

    def revoke_token(self, token_id: str, *, lifetime_ms: int = 0) -> None:
        """Log one token's `jti` for its life, durably."""
        self._run.run(self.work.revoke_token(token_id, lifetime_ms))
        self.listeners.token(token_id)

    def revoke_subject(self, subject: str, *, reason: str) -> int:
        """Raise the subject's epoch and end its sessions; how many live ones ended."""
        ended = self._run.run(self.work.revoke_subject(subject, reason))
        self.listeners.many()
        return ended

    def revoke_all(self, *, reason: str) -> int:
        """Raise every subject's epoch and end every session; how many live ones ended.

        It goes through all keys in small steps. Each has the time limit, the whole has none.
        """
        ended = self._run.run(self.work.revoke_all(reason))
        self.listeners.many()
        return ended

    def sessions(self, subject: str) -> list[Session]:
        """The subject's live sessions, newest first."""
        return self._run.run(self.work.sessions(subject))

    def subject_epoch(self, subject: str) -> int:
        """The subject's epoch, 0 when it was never revoked."""
        return self._run.run(self.work.subject_epoch(subject))

    def purge(self) -> int:
        """Answer 0, if Redis answers: everything expires by itself."""
        return self._run.run(self.work.purge())

    def close(self) -> None:
        """Disconnect and refuse everything from now on; closing twice is fine."""
        self.listeners.closed()
        self._run.close()
