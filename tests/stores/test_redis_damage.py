"""Keys in Redis that somebody else has written to: they open no door."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.sessions import OpaqueKind, Store, partition_of
from tests.servers.redis_sets import ServerSet, start_alone
from tests.stores.outcomes import (
    LIVE,
    OPERATIONS,
    READS,
    ROTATED,
    WRITES,
    fill,
    outcomes,
    require_answers,
    require_unavailable,
)
from tests.stores.plans import log_in, opaque, sid
from tests.stores.redis_backends import redis_store_at
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
    require_answers(store, READS)
    yield store
    store.close()


@pytest.mark.parametrize(
    "spoil",
    [
        *(("HSET", "m", b"short"), ("HSET", "m", bytes(27)), ("HSET", "f", b"short")),
        *(("HSET", "f", bytes(53)), ("HSET", "r", b"text"), ("HSET", "u", b"\xff")),
        *(("HSET", "h", b"short"), ("HDEL", "f"), ("HDEL", "c"), ("HDEL", "j")),
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
    require_unavailable(used, rotate)
    answers = outcomes(used, {"is_revoked": READS["is_revoked"]})
    assert answers["is_revoked"] in {True, False, StoreUnavailable}


@pytest.mark.parametrize("claims", [b"\xff", b"", b"[]", b"[" * 60, b'{"role":"ad'])
@pytest.mark.parametrize("kind", ["redis 8"])
def test_claims_that_are_no_object_are_no_claims(
    alone: ServerSet, used: Store, claims: bytes
) -> None:
    alone.servers[0].client().hset(f"gatepass:{{8}}:s:{sid('live')}", "j", claims)

    rotate = {"rotate": OPERATIONS["rotate"], "sessions": READS["sessions"]}
    require_unavailable(used, rotate)


@pytest.mark.parametrize("field", ["s", "i", "e", "x"])
@pytest.mark.parametrize("value", [None, b"", b"text", b"9" * 5_000])
@pytest.mark.parametrize("kind", ["redis 8"])
def test_an_opaque_token_that_is_not_ours_lets_nobody_in(
    alone: ServerSet, used: Store, field: str, value: bytes | None
) -> None:
    plan = opaque(LIVE)
    used.issue_opaque(plan)
    key = f"gatepass:{{8}}:o:{plan.opaque_id}"
    client = alone.servers[0].client()
    if value is None:
        client.hdel(key, field)
    else:
        client.hset(key, field, value)

    if field == "x" and value == b"9" * 5_000:  # only when it is forgotten
        assert used.find_opaque(plan.opaque_id).kind is OpaqueKind.LIVE
        return
    if field == "s" and value is not None:
        assert used.find_opaque(plan.opaque_id).kind is OpaqueKind.REVOKED
        return
    with pytest.raises(StoreUnavailable):
        used.find_opaque(plan.opaque_id)


@pytest.mark.parametrize("kind", ["redis 8", "valkey"])
def test_broken_rows_keep_nobody_from_ending_the_others(alone: ServerSet, used: Store) -> None:
    """Whoever can break one row, or plant one, must not make it impossible to end a theft."""
    client = alone.servers[0].client()
    client.hset(f"gatepass:{{8}}:s:{sid('live')}", "m", b"short")
    client.set(f"gatepass:{{8}}:s:{sid('planted')}", "text")
    client.hset("gatepass:{99}:s:planted", "m", b"short")
    assert used.is_revoked(LIVE, None) is False

    assert used.revoke_subject("ada", reason="theft") == 1
    assert used.is_revoked(LIVE, None) is True
    assert used.is_revoked(ROTATED, None) is True
    log: Any = client.xrange("gatepass:{8}:log")
    assert LIVE.encode() in [entry.get(b"s") for _, entry in log]

    client.hset(f"gatepass:{{8}}:s:{sid('other')}", "m", b"short")
    assert used.issue(log_in("bob", session_id=sid("bobs", "bob"))) is not None
    for name in ("broken", "whole"):
        plan = log_in("bob", session_id=sid(name, "bob"))
        assert used.issue(replace(plan, actor="support-7")) is not None
    number = partition_of(sid("broken", "bob"))
    client.hset(f"gatepass:{{{number}}}:s:{sid('broken', 'bob')}", "m", b"short")
    assert used.revoke_subject("support-7", reason="theft") == 1
    assert used.is_revoked(sid("broken", "bob"), None) is True
    assert used.revoke_all(reason="theft") == 1
    assert used.is_revoked(sid("other"), None) is True
    assert used.is_revoked(sid("bobs", "bob"), None) is True


@pytest.mark.parametrize("kind", ["redis 8"])
def test_keys_of_another_type_answer_nothing(alone: ServerSet, used: Store) -> None:
    client = alone.servers[0].client()
    names = [key for key in client.scan_iter() if not key.endswith(b"meta")]
    for key in [*names, b"gatepass:{8}:e:ada", b"gatepass:{8}:log"]:
        client.delete(key)
        client.set(key, "text")

    touched = {name: WRITES[name] for name in WRITES if name not in {"revoke_all", "issue_opaque"}}
    reads = {name: READS[name] for name in ("is_revoked", "sessions", "subject_epoch")}
    require_unavailable(used, touched | reads)
