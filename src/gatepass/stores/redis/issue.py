"""A login: the session that is inserted, and what it gives back to limits."""

from gatepass.errors import StoreUnavailable
from gatepass.sessions import IssuePlan, Session, plan_session
from gatepass.sessions.texts import require_encodable
from gatepass.stores.redis.attempts import Attempts
from gatepass.stores.redis.layout import (
    DAMAGED,
    index_of,
    number_of,
    partition_of_subject,
    pieces,
    require_partition,
)
from gatepass.stores.redis.limits import call_of
from gatepass.stores.redis.scripts import Scripts
from gatepass.stores.redis.wire import Steps


def issue(
    attempts: Attempts, scripts: Scripts, plan: IssuePlan, *, is_cluster: bool
) -> Steps[Session | None]:
    """The session; `None`: the epoch has changed.

    Limits go first, since the session's script is told of a repetition. On a Cluster they take a
    request of their own: they may be on another member, or on the way there.
    """
    require_encodable(plan.session_id, plan.subject, plan.client_id, plan.device, plan.actor)
    partition = partition_of_subject(plan.subject)
    require_partition(plan.session_id, partition, "the session id")
    keys = [f"s:{plan.session_id}", index_of(plan.subject, plan.kind), f"e:{plan.subject}"]
    if plan.opaque_id is not None:
        require_partition(plan.opaque_id, partition, "the key's hash")
        keys.append(f"o:{plan.opaque_id}")
    elif plan.actor is not None:
        keys.append(f"a:{plan.actor}")
    calls = [
        scripts.call(
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
            durable_kinds=(b"issued",),
        )
    ]
    if plan.give_back and is_cluster:
        yield from attempts.run(call_of(scripts, "give back", plan.give_back))
    elif plan.give_back:
        calls.insert(0, call_of(scripts, "give back", plan.give_back, is_durable=True))
    match (yield from attempts.run(*calls)):
        case [*_, [b"issued", created]]:
            return plan_session(plan, number_of(created))
        case [*_, [b"epoch"]]:
            return None
        case [*_, [b"in use"]]:
            raise ValueError("the session id is in use")
    raise StoreUnavailable(DAMAGED)
