"""What both twins are put together from, and what each operation is; no I/O here."""

from collections.abc import Callable
from typing import Final

from gatepass.errors import SettingsRejected
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
from gatepass.sessions.session import PARTITIONS
from gatepass.sessions.texts import require_encodable
from gatepass.stores.redis import answers, checks, sweep
from gatepass.stores.redis.calls import Calls
from gatepass.stores.redis.layout import Keys
from gatepass.stores.redis.operations import Operations
from gatepass.stores.redis.target import Target
from gatepass.stores.redis.wire import Steps

PREFIX: Final = "gatepass"
TIMEOUT_S: Final = 2.0


class Work:
    """Every operation of a store as steps, for either twin to run."""

    def __init__(
        self, target: Target, clock: Callable[[], float] | None, prefix: str, timeout: float
    ) -> None:
        if not timeout > 0:
            raise SettingsRejected("a time limit is more than 0 seconds")
        self.target = target
        self.keys = Keys(prefix)
        self.clock = clock
        self._calls = Calls(target, timeout)
        self._ops = Operations(self.keys, clock)

    def issue(self, plan: IssuePlan) -> Steps[Session | None]:
        """See `Store.issue`."""
        require_encodable(plan.session_id, plan.subject, plan.client_id, plan.device, plan.actor)
        return answers.issued(plan, (yield from self._calls.perform(self._ops.issue(plan))))

    def rotate(self, plan: RotationPlan) -> Steps[RotationFact]:
        """See `Store.rotate`."""
        require_encodable(plan.session_id)
        return answers.rotated(plan, (yield from self._calls.perform(self._ops.rotate(plan))))

    def issue_opaque(self, plan: OpaquePlan) -> Steps[OpaqueToken | None]:
        """See `Store.issue_opaque`."""
        require_encodable(plan.opaque_id, plan.token_id, plan.session_id)
        answer = yield from self._calls.perform(self._ops.issue_opaque(plan))
        return answers.opaque_issued(plan, answer)

    def find_opaque(self, opaque_id: str) -> Steps[OpaqueFact]:
        """See `Store.find_opaque`."""
        require_encodable(opaque_id)
        answer = yield from self._calls.perform(self._ops.find_opaque(opaque_id))
        return answers.opaque_found(answer)

    def is_revoked(self, session_id: str | None, token_id: str | None) -> Steps[bool]:
        """See `Revocations.is_revoked`."""
        require_encodable(session_id, token_id)
        for ask in self._ops.is_revoked(session_id, token_id):
            if answers.yes_or_no((yield from self._calls.perform(ask))):
                return True
        return False

    def revoke_session(
        self, session_id: str, reason: str, sec_hash: bytes | None
    ) -> Steps[RevokeKind]:
        """See `Store.revoke_session`."""
        require_encodable(session_id, reason)
        ask = self._ops.revoke_session(session_id, reason, sec_hash)
        return answers.revoked((yield from self._calls.perform(ask)))

    def revoke_token(self, token_id: str, lifetime_ms: int) -> Steps[None]:
        """See `Store.revoke_token`."""
        require_encodable(token_id)
        ask = self._ops.revoke_token(token_id, lifetime_ms)
        answers.number((yield from self._calls.perform(ask)))

    def revoke_subject(self, subject: str, reason: str) -> Steps[int]:
        """See `Store.revoke_subject`."""
        require_encodable(subject, reason)
        # The epoch comes first: a log-in that is met by none of the others finds it raised.
        asks = [
            self._ops.revoke_subject(subject, reason),
            *self._ops.revoke_actor(subject, reason, range(PARTITIONS)),
        ]
        total = 0
        while asks:
            steps = [answers.ended(each) for each in (yield from self._calls.perform_all(asks))]
            total += sum(count for count, _ in steps)
            rest = [ask.partition for ask, (_, left) in zip(asks, steps, strict=True) if left]
            asks = self._ops.revoke_actor(subject, reason, rest)
        return total

    def revoke_all(self, reason: str) -> Steps[int]:
        """See `Store.revoke_all`."""
        require_encodable(reason)
        return sweep.revoke_all(self._calls, self._ops, reason)

    def sessions(self, subject: str) -> Steps[list[Session]]:
        """See `Store.sessions`."""
        require_encodable(subject)
        return answers.listed((yield from self._calls.perform(self._ops.sessions(subject))))

    def subject_epoch(self, subject: str) -> Steps[int]:
        """See `Store.subject_epoch`."""
        require_encodable(subject)
        return answers.number((yield from self._calls.perform(self._ops.subject_epoch(subject))))

    def purge(self) -> Steps[int]:
        """See `Store.purge`."""
        answers.number((yield from self._calls.perform(self._ops.subject_epoch(""))))
        return 0

    def check(self) -> Steps[list[checks.Finding]]:
        """See `RedisStore.check`."""
        return checks.check(self._calls)
