"""What a verifier remembers, how much of it, and who may change it."""

import gc
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatepass import TokenManager, TokenPolicy, TokenVerifier
from gatepass.errors import SettingsRejected, TokenInvalid
from gatepass.jose import MAX_SIZE, KeySet, SharedKey, sign
from gatepass.stores.memory import MemoryStore
from gatepass.tokens.claims import AccessClaims
from gatepass.tokens.seen import DEFAULT_BYTES, Entry, SeenTokens
from tests.budget import LONG
from tests.tokens.seen_world import SHARED, World

KEYS = KeySet(SHARED[0])
NAMES = {"iss": "api-server", "aud": "api-client", "sub": "ada", "exp": 2_000_000_000}


def entry(text: str, **claims: Any) -> Entry:
    return text, KEYS, 1.0, 0.0, AccessClaims(claims)


def texts(memory: Any) -> list[str]:
    return [held[0] for held in memory.young.values()]


def verifier(remember: int = DEFAULT_BYTES) -> TokenVerifier:
    return TokenVerifier(SHARED[0], issuer="api-server", audience="api-client", remember=remember)


def memory_of(verifier: TokenVerifier) -> Any:
    claims: Any = verifier._claims
    return claims._seen


def test_a_token_is_remembered_when_it_comes_again() -> None:
    ours, token = verifier(), sign(NAMES, SHARED[0], typ="at+jwt")

    ours.verify(token)
    assert not memory_of(ours).young
    ours.verify(token)
    assert texts(memory_of(ours)) == [token]


def test_an_expiry_that_no_float_holds_is_remembered() -> None:
    ours, token = verifier(), sign(NAMES | {"exp": 10**320}, SHARED[0], typ="at+jwt")
    for _ in range(3):
        assert ours.verify(token).expires_at == 10**320

    assert texts(memory_of(ours)) == [token]


def test_nothing_is_remembered_of_a_verifier_without_room() -> None:
    ours, token = verifier(remember=0), sign(NAMES, SHARED[0], typ="at+jwt")
    for _ in range(3):
        ours.verify(token)

    assert memory_of(ours) is None


@pytest.mark.parametrize("remember", [-1, 1.5, "8 MiB", None, True, 2**40])
def test_a_room_that_is_no_number_of_bytes_is_rejected(remember: Any) -> None:
    with pytest.raises(SettingsRejected, match="remember is a number of bytes"):
        verifier(remember=remember)


def test_what_a_caller_does_to_claims_reaches_no_other_caller() -> None:
    ours = verifier()
    token = sign(NAMES | {"roles": ["user"], "org": {"id": [1]}}, SHARED[0], typ="at+jwt")
    for _ in range(3):
        claims = ours.verify(token)
        claims["roles"].append("admin")
        claims["org"]["id"].append(2)
        claims.to(dict[str, Any])["sub"] = "eve"
        dict(claims)["sub"] = "eve"

    claims = ours.verify(token)
    assert (claims.subject, claims["roles"], claims["org"]) == ("ada", ["user"], {"id": [1]})


def test_a_token_that_ends_as_a_remembered_one_does_is_verified() -> None:
    ours, token = verifier(), sign(NAMES, SHARED[0], typ="at+jwt")
    for _ in range(2):
        ours.verify(token)
    head, _, signature = token.split(".")
    forged = sign(NAMES | {"sub": "eve"}, SHARED[1], typ="at+jwt").split(".")[1]

    with pytest.raises(TokenInvalid):
        ours.verify(f"{head}.{forged}.{signature}")
    assert ours.verify(token).subject == "ada"


def test_a_revoked_token_leaves_the_memory(tmp_path: Path) -> None:
    world = World("key", tmp_path, is_async=False)
    token = world.issue(0, {}, 60)
    for _ in range(2):
        jti = world.require_same(token)["jti"]
    world.denylist.ids.add(jti)
    world.require_same(token)

    assert not memory_of(world.seen).young


def test_a_manager_remembers_access_tokens_and_no_refresh_tokens() -> None:
    manager = TokenManager(
        TokenPolicy(issuer="a", audience="b"),
        access_keys=SharedKey.generate(),
        refresh_keys=SharedKey.generate(),
        store=MemoryStore(),
    )
    pair = manager.issue("ada")
    for _ in range(3):
        manager.verify(pair.access_token)
    manager.refresh(pair.refresh_token)

    assert texts(manager._access._seen) == [pair.access_token]
    assert manager._planner._refresh._seen is None


def test_what_is_asked_for_stays_and_the_rest_is_dropped() -> None:
    seen = SeenTokens(16_000)
    seen.keep(entry("kept"))
    for number in range(100):
        seen.keep(entry(f"once {number}"))
        found = seen.young.get("kept") or seen.find_old("kept")
        assert found is not None

    assert len(seen.young) + len(seen.old) < 25
    assert seen.young.get("once 0") is seen.find_old("once 0") is None


def test_a_revoked_token_that_comes_again_and_again_makes_no_other_go(tmp_path: Path) -> None:
    world = World("key", tmp_path, is_async=False)
    kept, mask = world.issue(0, {}, 60), memory_of(world.seen).mask
    others = (world.issue(0, {"number": number}, 60) for number in range(mask + 1))
    revoked = next(each for each in others if (hash(each[-32:]) ^ hash(kept[-32:])) & mask)
    for _ in range(2):
        world.require_same(kept)
        jti = world.require_same(revoked)["jti"]
    world.denylist.ids.add(jti)
    for _ in range(100):
        world.require_same(revoked)

    assert texts(memory_of(world.seen)) == [kept]


def test_an_entry_that_is_larger_than_a_generation_is_not_kept() -> None:
    seen = SeenTokens(16_000)
    seen.keep(entry("small"))
    seen.keep(entry("large", roles=[["x" * 5000, {"a": "y" * 5000}]]))

    assert (list(seen.young), list(seen.old)) == ([], ["small"])


def test_a_thread_that_meets_another_one_remembers_nothing_and_waits_for_nobody() -> None:
    seen = SeenTokens(16_000)
    with seen._lock:
        other = threading.Thread(target=seen.keep, args=(entry("busy"),))
        other.start()
        other.join()

    assert not seen.young


ORDINARY: list[dict[str, Any]] = [
    {"role": "user", "name": "ädä " * 8},
    {"role": "\U0001f600" * 30},
    {"deep": [[{}, {"a": []}] for _ in range(40)]},
    {"wide": {f"{number}": number for number in range(60)}},
    {"long": "x" * 5000},
]
LARGEST: list[Callable[[int], Any]] = [
    lambda size: "x" * size,
    lambda size: "\U0001f600" + "x" * (size - 4),  # every character takes as much as the widest
    lambda size: [[]] * (size // 3),
    lambda size: {f"{number:03}": {} for number in range(size // 10)},
]


def of_largest_size(make: Callable[[int], Any]) -> dict[str, Any]:
    """Claims whose token is as long as a token may be, or hardly shorter."""
    for size in range(MAX_SIZE * 3 // 4, 0, -1):
        claims = {"fill": make(size)}
        if len(sign(NAMES | claims | {"jti": "0" * 7}, KEYS, typ="at+jwt")) <= MAX_SIZE:
            return claims
    raise AssertionError


@pytest.mark.parametrize("largest", [None, *LARGEST])
def test_the_memory_stays_within_its_room_whatever_the_tokens_are(
    largest: Callable[[int], Any] | None,
) -> None:
    if largest is None:
        shapes, tokens, size = ORDINARY, 1_000_000 if LONG else 6_000, 400_000
    else:
        shapes, tokens, size = [of_largest_size(largest)], 10_000 if LONG else 40, 1_000_000
    if LONG:
        size = DEFAULT_BYTES
    gc.collect()
    tracemalloc.start()
    try:
        ours = verifier(size)
        for number in range(tokens):
            claims = shapes[number % len(shapes)] | {"jti": f"{number:07}"}
            token = sign(NAMES | claims, KEYS, typ="at+jwt")
            for _ in range(2):
                ours.verify(token)
        del token, claims
        gc.collect()
        held = sum(trace.size for trace in tracemalloc.take_snapshot().traces)
    finally:
        tracemalloc.stop()

    assert len(memory_of(ours).young) + len(memory_of(ours).old) > 2
    assert held < size + 100_000  # the verifier itself, and what the interpreter caches
