"""A process that revokes one thing after another, and writes down what was acknowledged.

It issues keys, too, and revokes each second one: `NAME.keys` says which of them have to live.

Run as `python -m tests.chaos.writer URL FOLDER NAME`, until the folder holds a file `stop`.
While it holds a file `hold` nothing is revoked.
"""

import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from gatepass.errors import StoreUnavailable
from gatepass.sessions import OpaquePlan
from gatepass.sessions.session import KEY_SEC_HASH, partition_digits
from gatepass.stores.redis import RedisStore
from gatepass.stores.sql import SqlStore
from tests.revocations.worlds import open_store
from tests.stores.plans import ACCESS_LIFE, key, log_in

PAUSE_S = 0.01

Store = SqlStore | RedisStore


def plan(store: Store, name: str, step: int) -> tuple[str, Callable[[], object]]:
    """What to revoke next, `t:` a token or `s:` a session, and how.

    Raises:
        StoreUnavailable: There is no session to end.
    """
    subject = f"{name}.{step}"
    session = store.issue(log_in(subject))
    assert session is not None
    session_id = session.session_id
    token = f"{partition_digits(subject)}{subject}"
    what = f"t:{token}" if step % 3 == 0 else f"s:{session_id}"
    of_opaque = OpaquePlan(
        opaque_id=opaque_id_of(what),
        token_id=token,
        session_id=session_id,
        lifetime_ms=ACCESS_LIFE,
    )
    store.issue_opaque(of_opaque)
    if step % 3 == 0:
        return what, lambda: store.revoke_token(token)
    if step % 3 == 1:
        return what, lambda: store.revoke_session(session_id, reason="log-out")
    return what, lambda: store.revoke_subject(subject, reason="password")


def opaque_id_of(what: str) -> str:
    """The key of the opaque token that goes with a revocation of this name."""
    return what[2:4] + hashlib.sha256(what.encode()).hexdigest()


def try_key(store: Store, subject: str, *, revoked: bool) -> Iterator[tuple[str, str]]:
    """Issue a key, and perhaps revoke it: its hash, and each time what it has to be from then on.

    Raises:
        StoreUnavailable: Nothing more is known of the key.
    """
    plan = key(subject)
    assert plan.opaque_id is not None
    assert store.issue(plan) is not None
    yield plan.opaque_id, "live"
    if revoked:
        yield plan.opaque_id, "unknown"
        store.revoke_session(plan.session_id, reason="lost", sec_hash=KEY_SEC_HASH)
        yield plan.opaque_id, "revoked"


def write(url: str, folder: Path, name: str) -> None:
    """Revoke tokens, sessions and subjects in turn, several tens in each second."""
    store = open_store(url)
    stop, hold = folder / "stop", folder / "hold"
    step = 0
    with (
        (folder / f"{name}.attempts").open("a", buffering=1) as said,
        (folder / f"{name}.keys").open("a", buffering=1) as keys,
    ):
        while not stop.exists():
            time.sleep(PAUSE_S)
            if hold.exists():
                continue
            step += 1
            begun = time.monotonic()
            try:
                what, revoke = plan(store, name, step)
            except StoreUnavailable:
                said.write(f"t:- {begun:.6f} {time.monotonic():.6f} unavailable\n")
                continue
            begun, outcome = time.monotonic(), "ok"
            try:
                revoke()
            except StoreUnavailable:
                outcome = "unavailable"
            said.write(f"{what} {begun:.6f} {time.monotonic():.6f} {outcome}\n")
            begun = time.monotonic()
            with suppress(StoreUnavailable):
                for found in try_key(store, f"{name}.key.{step}", revoked=step % 2 == 0):
                    keys.write(f"{' '.join(found)} {begun:.6f}\n")
    store.close()


if __name__ == "__main__":
    write(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
