"""Elapsed times of wrong tokens: close to one that exists, and close to none.

Each run prints the times. Only `make long`, on an idle machine, judges them.
"""

import random
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from gatepass import TokenManager, TokenPolicy
from gatepass.errors import TokenExpired
from gatepass.jose import SharedKey
from gatepass.stores.memory import MemoryStore
from gatepass.stores.sql import SqlStore
from gatepass.tokens.opaque import ACCESS_PREFIX, KEY_PREFIX, RANDOM_BYTES, new_text
from tests.budget import LONG
from tests.elapsed import APART, SAMPLES, share_longer, told

pytestmark = pytest.mark.soak
_CHECKSUM = 8


def near(text: str) -> str:
    """Another text with the same beginning: only its last random character differs."""
    body = text[:-_CHECKSUM]
    body = body[:-1] + ("A" if body[-1] != "A" else "E")
    return f"{body}{crc32(body.encode()):08x}"


@pytest.mark.parametrize("prefix", [ACCESS_PREFIX, KEY_PREFIX])
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_the_time_of_a_wrong_token_tells_nothing_of_existing_ones(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], kind: str, prefix: str
) -> None:
    store: Any = MemoryStore()
    if kind == "sqlite":
        store = SqlStore.from_url(f"sqlite:///{tmp_path}/gate.db")
        store.upgrade()
    policy = TokenPolicy(issuer="id", audience="api", access_format="opaque", max_sessions=1000)
    access, refresh = SharedKey.generate(), SharedKey.generate()
    manager = TokenManager(policy, access_keys=access, refresh_keys=refresh, store=store)
    tokens = [
        manager.issue("alice").access_token
        if prefix == ACCESS_PREFIX
        else manager.issue_key("alice", name="ci", scopes=(), expires="90d").key
        for _ in range(100)
    ]
    check: Callable[[str], object] = manager.verify
    if prefix == KEY_PREFIX:
        check = manager.verify_key
    times: dict[str, list[float]] = {"near": [], "far": []}
    rng = random.Random(1)
    for number in range(SAMPLES + 10):
        texts = {
            "near": near(rng.choice(tokens)),
            "far": new_text(prefix, "alice", secrets.token_bytes(RANDOM_BYTES)),
        }
        for name in rng.sample(list(texts), 2):
            begun = time.perf_counter()
            with pytest.raises(TokenExpired):
                check(texts[name])
            if number >= 10:  # the first ones open connections
                times[name].append(time.perf_counter() - begun)
    manager.close()
    share = share_longer(times["near"], times["far"])
    with capfd.disabled():
        print(  # noqa: T201 - the report
            f"\n{SAMPLES} wrong {prefix}… on {kind}, 10%, median and 90% in µs: close to one that "
            f"exists {told(times['near'])}, to none {told(times['far'])}; the first took longer in "
            f"{share:.1%}"
        )
    assert not LONG or abs(share - 0.5) < APART


def test_a_token_that_takes_longer_would_be_found() -> None:
    rng = random.Random(1)
    times = [rng.gauss(100, 10) for _ in range(4_000)]

    assert abs(share_longer(times[:2_000], times[2_000:]) - 0.5) < APART
    assert share_longer([each + 3 for each in times[:2_000]], times[2_000:]) > 0.5 + APART
