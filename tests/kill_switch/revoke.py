"""The process that revokes: a session id per line in, when it was acknowledged per line out."""

import sys
import time
from typing import Any

from gatepass.stores.redis import RedisStore
from gatepass.stores.sql import SqlStore


def main(url: str) -> None:
    """Revoke until the input ends."""
    store: Any = RedisStore.from_url(url) if url.startswith("redis") else SqlStore.from_url(url)
    for line in sys.stdin:
        store.revoke_session(line.strip(), reason="logout")
        sys.stdout.write(f"{time.monotonic_ns()}\n")
        sys.stdout.flush()
    store.close()


if __name__ == "__main__":
    main(sys.argv[1])
