"""Ending a subject's sessions, and those that it opened as an actor on others."""

import secrets
from typing import Final

from gatepass.errors import StoreUnavailable
from gatepass.sessions.session import PARTITIONS
from gatepass.stores.redis.attempts import Attempts
from gatepass.stores.redis.layout import DAMAGED, index_of, partition_of_subject, pieces
from gatepass.stores.redis.scripts import Call, Scripts
from gatepass.stores.redis.wire import Steps

_STEP: Final = 500
"""Sessions that one call ends at most: Redis does nothing else meanwhile."""


def revoke_subject(
    attempts: Attempts, scripts: Scripts, subject: str, reason: str, keep: str, *, keep_keys: bool
) -> Steps[int]:
    """The number of live sessions that ended; the one with the id `keep` stays, and maybe keys.

    The subject's own are in one partition. Those that it opened may be in any, and are ended
    some at a time, by as many calls as there are partitions with some left.
    """
    why = pieces("w", reason)

    def call_of_actor(partition: int) -> Call:
        keys, name = [f"a:{subject}"], secrets.token_bytes(8)
        return scripts.call("revoke_actor", partition, keys, name, _STEP, *why, is_durable=True)

    indices = [index_of(subject, "session"), *([] if keep_keys else [index_of(subject, "key")])]
    # The epoch comes first: a login that none of the other calls sees finds it raised.
    first = scripts.call(
        "revoke_subject",
        partition_of_subject(subject),
        [f"e:{subject}", *indices],
        secrets.token_bytes(8),
        keep,
        *why,
        is_durable=True,
    )
    calls = [first, *map(call_of_actor, range(PARTITIONS))]
    ended = 0
    while calls:
        left = []
        for call, reply in zip(calls, (yield from attempts.run(*calls)), strict=True):
            match reply:
                case [int(count), int(more)]:
                    ended += count
                    left += [call.partition] if more else []
                case _:
                    raise StoreUnavailable(DAMAGED)
        calls = [call_of_actor(partition) for partition in left]
    return ended
