"""What is asked of Redis for each operation: one script in one partition; pure but for nonces."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from gatepass.sessions import IssuePlan, OpaquePlan, RotationPlan, partition_of
from gatepass.stores.redis.layout import Keys, partition_of_subject, pieces, require_partition
from gatepass.stores.redis.scripts import Script, load_scripts, script

Argument = bytes | str | int
_AGAIN: Final = 3
"""The place among the arguments that says whether the call was made before."""

_STEP: Final = 500
"""Sessions that one script ends at most: Redis does nothing else meanwhile."""

_NEVER: Final = "never"
"""No key is named so. Where some of a partition is on its way elsewhere, so may this be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One script, to be run in one partition."""

    script: Script
    partition: int
    keys: Sequence[str]
    arguments: Sequence[Argument] = field(repr=False)
    says_again: bool = False
    """Whether the script is told when the call is repeated."""
    is_durable: bool = False
    """Whether the answer counts only once it is durable."""

    def command(self, *, by_sha: bool, again: bool) -> list[Argument]:
        """The command as it is sent."""
        given = list(self.arguments)
        if self.says_again and again:
            given[_AGAIN] = "1"
        name, what = ("EVALSHA", self.script.sha) if by_sha else ("EVAL", self.script.text)
        return [name, what, len(self.keys), *self.keys, *given]


class Operations:
    """Plans for one store: its names of keys and its clock."""

    def __init__(self, keys: Keys, clock: Callable[[], float] | None) -> None:
        load_scripts()
        self.keys = keys
        self._clock = clock

    def ask(
        self, name: str, partition: int, keys: Sequence[str], *arguments: Argument, **how: bool
    ) -> Ask:
        """A script with the keys and arguments that all of them have."""
        base = self.keys.base(partition)
        return Ask(
            script=script(name),
            partition=partition,
            keys=[f"{base}meta", f"{base}log", *(f"{base}{key}" for key in keys)],
            arguments=[base, self._now(), *arguments],
            **how,
        )

    def _now(self) -> str:
        return "" if self._clock is None else str(int(self._clock() * 1000))

    def issue(self, plan: IssuePlan) -> Ask:
        """Insert a session."""
        partition = partition_of_subject(plan.subject)
        require_partition(plan.session_id, partition, "the session id")
        keys = [f"s:{plan.session_id}", f"u:{plan.subject}", f"e:{plan.subject}"]
        if plan.actor is not None:
            keys.append(f"a:{plan.actor}")
        return self.ask(
            "issue",
            partition,
            keys,
            plan.session_id,
            "0",
            "" if plan.epoch is None else plan.epoch,
            plan.max_sessions,
            plan.refresh_lifetime_ms,
            plan.session_lifetime_ms,
            plan.access_lifetime_ms,
            plan.sec_hash,
            plan.auth_time,
            *pieces("u", plan.subject),
            *pieces("c", plan.client_id),
            *pieces("d", plan.device),
            *pieces("j", plan.claims_json),
            says_again=True,
            is_durable=True,
        )

    def rotate(self, plan: RotationPlan) -> Ask:
        """Apply the rotation table."""
        claims: list[Argument] = []
        if plan.claims_json is not None:
            fields = pieces("j", plan.claims_json)
            claims = [len(fields) // 2, *fields]
        return self.ask(
            "rotate",
            partition_of(plan.session_id),
            [f"s:{plan.session_id}"],
            plan.session_id,
            plan.generation,
            plan.sec_hash,
            plan.leeway_ms,
            plan.refresh_lifetime_ms,
            plan.access_lifetime_ms,
            secrets.token_bytes(8),
            *claims,
        )

    def issue_opaque(self, plan: OpaquePlan) -> Ask:
        """Record an opaque token."""
        partition = partition_of(plan.session_id)
        require_partition(plan.opaque_id, partition, "the opaque token's hash")
        require_partition(plan.token_id, partition, "the token id")
        return self.ask(
            "issue_opaque",
            partition,
            [f"o:{plan.opaque_id}", f"s:{plan.session_id}"],
            plan.session_id,
            "0",
            plan.token_id,
            plan.lifetime_ms,
            says_again=True,
        )

    def find_opaque(self, opaque_id: str) -> Ask:
        """Look an opaque token up."""
        return self.ask("find_opaque", partition_of(opaque_id), [f"o:{opaque_id}"])

    def is_revoked(self, session_id: str | None, token_id: str | None) -> list[Ask]:
        """Ask for a session and a token; both at once where they are of one partition."""
        if session_id is None:
            return [] if token_id is None else [self._is_token_revoked(token_id)]
        partition = partition_of(session_id)
        keys = [f"s:{session_id}", f"x:s:{session_id}"]
        if token_id is None:
            return [self.ask("is_revoked", partition, keys, "1")]
        if partition_of(token_id) == partition:
            return [self.ask("is_revoked", partition, [*keys, f"x:t:{token_id}"], "1")]
        return [self.ask("is_revoked", partition, keys, "1"), self._is_token_revoked(token_id)]

    def _is_token_revoked(self, token_id: str) -> Ask:
        return self.ask("is_revoked", partition_of(token_id), [f"x:t:{token_id}"], "0")

    def revoke_session(self, session_id: str, reason: str, sec_hash: bytes | None) -> Ask:
        """End a session."""
        return self.ask(
            "revoke_session",
            partition_of(session_id),
            [f"s:{session_id}", f"x:s:{session_id}"],
            session_id,
            b"" if sec_hash is None else sec_hash,
            secrets.token_bytes(8),
            *pieces("w", reason),
            is_durable=True,
        )

    def revoke_token(self, token_id: str, lifetime_ms: int) -> Ask:
        """Log one token."""
        return self.ask(
            "revoke_token",
            partition_of(token_id),
            [f"x:t:{token_id}"],
            token_id,
            lifetime_ms,
            is_durable=True,
        )

    def revoke_subject(self, subject: str, reason: str) -> Ask:
        """Raise a subject's epoch and end its sessions."""
        return self.ask(
            "revoke_subject",
            partition_of_subject(subject),
            [f"u:{subject}", f"e:{subject}"],
            secrets.token_bytes(8),
            *pieces("w", reason),
            is_durable=True,
        )

    def revoke_actor(self, actor: str, reason: str, partitions: Iterable[int]) -> list[Ask]:
        """End sessions that an actor opened: a step in each of these partitions."""
        return [
            self.ask(
                "revoke_actor",
                partition,
                [f"a:{actor}"],
                secrets.token_bytes(8),
                _STEP,
                *pieces("w", reason),
                is_durable=True,
            )
            for partition in partitions
        ]

    def sessions(self, subject: str) -> Ask:
        """List a subject's live sessions."""
        return self.ask("sessions", partition_of_subject(subject), [f"u:{subject}"])

    def subject_epoch(self, subject: str) -> Ask:
        """Read a subject's epoch."""
        return self.ask("subject_epoch", partition_of_subject(subject), [f"e:{subject}"])

    def raise_epoch(self, partition: int) -> Ask:
        """Raise everybody's epoch in one partition."""
        return self.ask("raise_epoch", partition, [_NEVER])

    def confirm(self, partition: int) -> Ask:
        """Write something in one partition, and read everybody's epoch back."""
        return self.ask("confirm", partition, [_NEVER])

    def revoke_older(
        self, partition: int, reason: Sequence[Argument], session_ids: Sequence[bytes]
    ) -> Ask:
        """End sessions that are older than everybody's epoch."""
        return self.ask("revoke_older", partition, [], len(reason), *reason, *session_ids)
