"""Durations of a policy, written as the environment writes them."""

from datetime import timedelta
from typing import Any

import pytest

from gatepass import TokenIssuer, TokenManager, TokenPolicy, TokenVerifier
from gatepass.errors import SettingsRejected
from gatepass.jose import SharedKey
from gatepass.stores.memory import MemoryStore

NAMES: dict[str, Any] = {"issuer": "api-server", "audience": "api-client"}


def test_a_policy_takes_durations_as_the_environment_does() -> None:
    policy = TokenPolicy(
        **NAMES,
        access_lifetime="15m",
        refresh_lifetime="7d",
        session_lifetime="30d",
        leeway="0",
        rotation_leeway="10s",
    )

    assert policy == TokenPolicy(
        **NAMES, leeway=timedelta(0), rotation_leeway=timedelta(seconds=10)
    )
    assert policy.access_lifetime == timedelta(minutes=15)


def test_tokens_live_as_long_as_the_text_says() -> None:
    key = SharedKey.generate()
    policy = TokenPolicy(**NAMES, access_lifetime="1h30m")
    manager = TokenManager(
        policy, access_keys=key, refresh_keys=SharedKey.generate(), store=MemoryStore()
    )
    alone = TokenIssuer(key, **NAMES, lifetime="5m", now=lambda: 1_000).issue("ada")
    verifier = TokenVerifier(key, **NAMES, now=lambda: 1_299)

    assert manager.issue("ada").expires_in == 5400
    assert verifier.verify(alone).expires_at == 1_300


@pytest.mark.parametrize("name", ["access_lifetime", "refresh_lifetime", "session_lifetime"])
@pytest.mark.parametrize("text", ["", "0", "0s", "15 m", "m", "-5m", "1.5h", "15min", "\u0661"])
def test_a_text_that_is_no_lifetime_is_told_with_its_name(name: str, text: str) -> None:
    with pytest.raises(SettingsRejected, match=f"{name} is a timedelta, a text as in 15m, or"):
        TokenPolicy(**{**NAMES, name: text})


def test_bounds_hold_for_texts_too() -> None:
    with pytest.raises(SettingsRejected, match="leeway is"):
        TokenPolicy(**NAMES, leeway="61s")
    with pytest.raises(SettingsRejected, match="rotation_leeway is"):
        TokenPolicy(**NAMES, rotation_leeway="2m")
