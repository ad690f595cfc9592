"""Revoking everybody while the primary is replaced by one that knows less."""

from typing import Any

from gatepass.stores.redis import RedisStore
from gatepass.stores.redis.scripts import script
from gatepass.stores.redis.wire import Command, Exchange, Lost, Steps
from tests.servers.redis_sets import running
from tests.stores.plans import log_in, sid


def confirms(command: Command) -> bool:
    """Whether the command reads the epoch of everybody, and does not raise it."""
    return script("raise_epoch").sha in command and command[-1] == 0


def set_back_before_confirming(steps: Steps[int], client: Any) -> Steps[int]:
    """The steps, with the epochs of everybody lost once, after all sessions were ended."""
    is_lost = False
    try:
        step = next(steps)
        while True:
            if isinstance(step, Exchange) and not is_lost:
                is_lost = any(confirms(command) for command in step.commands)
                if is_lost:
                    for partition in range(16):
                        client.hset(f"gatepass:{{{partition}}}:meta", "all", 0)
            try:
                answer = yield step
            except Lost as lost:
                step = steps.throw(lost)
            else:
                step = steps.send(answer)
    except StopIteration as stop:
        ended: int = stop.value
        return ended


def test_an_epoch_that_a_fail_over_lost_is_not_acknowledged_as_raised() -> None:
    """Else a log-in that began before everybody was thrown out would be let in after it."""
    servers = running("redis 8")
    servers.flush()
    client = servers.servers[0].client()
    store = RedisStore.from_url(servers.url)
    store.issue(log_in(session_id=sid("live")))

    ended = store._run(set_back_before_confirming(store.work.revoke_all(reason="theft"), client))

    assert ended == 1
    assert store.subject_epoch("ada") == 1
    assert store.issue(log_in(epoch=0)) is None
    store.close()
