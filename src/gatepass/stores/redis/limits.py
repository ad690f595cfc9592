"""Limits on Redis: one partition has all of them, since an attempt takes several in one script.

One slot is enough: an attempt is a password check, of which no server makes more than some dozens
in a second, and a script takes a fraction of a millisecond.
"""

from collections.abc import Sequence
from typing import Final

from gatepass.sessions.limits import Bucket
from gatepass.stores.redis.scripts import Call, Scripts

_PARTITION: Final = 0


def call_of(
    scripts: Scripts, what: str, buckets: Sequence[Bucket], *, is_durable: bool = False
) -> Call:
    """The call that does this, `take` or `give back`.

    No count has to be durable: `is_durable` only lets it go beside a call that is.
    """
    numbers = ((bucket.limit, bucket.window_ms, bucket.cost) for bucket in buckets)
    return scripts.call(
        "limits",
        _PARTITION,
        [f"l:{bucket.key.hex()}" for bucket in buckets],
        what,
        *(number for each in numbers for number in each),
        is_durable=is_durable,
        durable_kinds=() if is_durable else None,
    )
