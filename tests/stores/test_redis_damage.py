"""Keys in Redis that somebody else has written to: they open no door."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.sessions import Store
from tests.servers.redis_sets import ServerSet, start_alone
from tests.stores.plans import sid
from tests.stores.redis_backends import redis_store_at
from tests.stores.redis_outcomes import OPERATIONS, READS, WRITES, every, fill, outcomes
from tests.stores.twins import Runner


@pytest.fixture
def alone(kind: str, tmp_path: Path) -> Iterator[ServerSet]:
    servers = start_alone(kind, tmp_path / "redis")
    fill(servers.url)
    yield servers
    servers.stop()


@pytest.fixture
def used(alone: ServerSet, twin: str, runner: Runner) -> Iterator[Store]:
    """A store with open connections."""
    store = redis_store_at(alone.url, twin, runner)
    assert StoreUnavailable not in outcomes(store, READS).values()
    yield store
    store.close()


@pytest.mark.parametrize(
    "spoil",
    [
        ("HSET", "m", b"short"),
        ("HSET", "m", bytes(27)),
        ("HSET", "f", b"short"),
        ("HSET", "f", bytes(53)),
        ("HSET", "r", b"text"),
        ("HSET", "u", b"\xff"),
        ("HSET", "h", b"short"),
        ("HDEL", "f"),
        ("HDEL", "c"),
        ("HDEL", "j"),
    ],
)
@pytest.mark.parametrize("kind", ["redis 8"])
def test_a_session_that_is_not_ours_answers_nothing(
    alone: ServerSet, used: Store, spoil: tuple[Any, ...]
) -> None:
    key = f"gatepass:{{8}}:s:{sid('live')}"
    client = alone.servers[0].client()
    client.execute_command(spoil[0], key, *spoil[1:])  # type: ignore[no-untyped-call]

    rotate = {"rotate": OPERATIONS["rotate"]}
    assert outcomes(used, rotate) == every(rotate)
    answers = outcomes(used, {"is_revoked": READS["is_revoked"]})
    assert answers["is_revoked"] in {True, False, StoreUnavailable}


@pytest.mark.parametrize("kind", ["redis 8"])
def test_keys_of_another_type_answer_nothing(alone: ServerSet, used: Store) -> None:
    client = alone.servers[0].client()
    names = [key for key in client.scan_iter() if not key.endswith(b"meta")]
    for key in [*names, b"gatepass:{8}:e:ada", b"gatepass:{8}:log"]:
        client.delete(key)
        client.set(key, "text")

    touched = {name: WRITES[name] for name in WRITES if name not in {"revoke_all", "issue_opaque"}}
    reads = {name: READS[name] for name in ("is_revoked", "sessions", "subject_epoch")}
    assert outcomes(used, touched | reads) == every(touched | reads)
