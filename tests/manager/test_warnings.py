"""Warnings of a set-up that accepts revoked tokens, or rejects good ones; each is told once."""

import itertools
import logging
from typing import Any

import pytest

from gatepass import AsyncTokenVerifier, TokenManager, TokenPolicy, TokenVerifier
from gatepass.errors import SessionUnknown, TokenRevoked
from gatepass.jose import SharedKey
from gatepass.stores.memory import MemoryStore
from tests.manager.conftest import Make

ACCESS, REFRESH = SharedKey.generate(), SharedKey.generate()
_numbers = itertools.count()


@pytest.fixture
def names() -> dict[str, Any]:
    """An issuer that no other test has."""
    return {"issuer": f"issuer-{next(_numbers)}", "audience": "api"}


def manage(names: dict[str, Any]) -> TokenManager:
    keys: dict[str, Any] = {"access_keys": ACCESS, "refresh_keys": REFRESH}
    return TokenManager(TokenPolicy(**names), **keys, store=MemoryStore())


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    caplog.clear()
    return found


@pytest.mark.parametrize("kind", [TokenVerifier, AsyncTokenVerifier])
@pytest.mark.parametrize("first", ["manager", "verifier"])
def test_a_verifier_without_revocations_beside_a_manager_is_told(
    kind: Any, first: str, names: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    makers: list[Any] = [lambda: manage(names), lambda: kind(ACCESS, **names)]
    for make in makers if first == "manager" else makers[::-1]:
        assert told(caplog) == []
        make()

    [sentence] = told(caplog)
    assert f"issuer {names['issuer']} and audience api checks no revocations" in sentence
    assert "Give the verifier revocations=, the store of the manager" in sentence
    for make in makers:
        make()
    assert told(caplog) == []


def test_verifiers_that_miss_nothing_are_not_told(
    names: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    manager = manage(names)
    TokenVerifier(ACCESS, **names, revocations=manager.store)
    TokenVerifier(ACCESS, **names, typ="password-reset+jwt")
    TokenVerifier(ACCESS, **names, typ=None)
    TokenVerifier(ACCESS, issuer=names["issuer"], audience="another")

    assert told(caplog) == []


@pytest.mark.parametrize("way", ["verify", "refresh"])
def test_a_memory_store_that_lacks_the_session_of_another_worker_tells_once(
    make: Make, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = make(access_format="jwt"), make(access_format="jwt")
    pair = one.issue("ada")
    told(caplog)
    for _ in range(2):
        if way == "verify":
            with pytest.raises(TokenRevoked):
                other.verify(pair.access_token)
        else:
            with pytest.raises(SessionUnknown):
                other.refresh(pair.refresh_token)

    [sentence] = [each for each in told(caplog) if each.startswith("MemoryStore")]
    assert "another worker process opened it" in sentence
    assert sentence.endswith("For several workers use SqlStore or RedisStore")


def test_a_session_that_was_revoked_here_is_no_other_workers(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = make(access_format="jwt"), make(access_format="jwt")
    pair = one.issue("ada")
    other.revoke_session(pair.session_id)
    with pytest.raises(TokenRevoked):
        other.verify(pair.access_token)
    one.verify(pair.access_token)

    assert told(caplog) == []
