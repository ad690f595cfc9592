"""What frameworks ask of a manager beside tokens."""

from typing import Any

import pytest

from gatepass import (
    TokenManager,
    TokenPolicy,
)
from gatepass.errors import KeyRejected, SettingsRejected, TokenInvalid
from gatepass.jose import KeySet, SharedKey, SigningKey
from gatepass.stores.memory import MemoryStore

POLICY = TokenPolicy(issuer="api-server", audience="api-client")
ACCESS = SharedKey.generate()


def make(refresh_keys: SharedKey | SigningKey | KeySet, now: float = 1_800_000_000) -> TokenManager:
    return TokenManager(
        POLICY,
        access_keys=ACCESS,
        refresh_keys=refresh_keys,
        store=MemoryStore(),
        now=lambda: now,
    )


def test_a_session_is_named_by_tokens_that_expired() -> None:
    key = SharedKey.generate()
    pair = make(key).issue("ada")
    later = make(key, 1_800_000_000 + 30 * 86_400)

    assert later.session_id_of(access_token=pair.access_token) == pair.session_id
    assert later.session_id_of(refresh_token=pair.refresh_token) == pair.session_id


def test_tokens_of_two_sessions_name_none() -> None:
    manager = make(SharedKey.generate())
    one, other = manager.issue("ada"), manager.issue("ada")

    with pytest.raises(TokenInvalid):
        manager.session_id_of(access_token=one.access_token, refresh_token=other.refresh_token)


def test_every_refresh_key_that_can_derive_does_so_the_primary_first() -> None:
    old, new = SharedKey.generate(), SharedKey.generate()
    private, public = SigningKey.generate("ES256"), SigningKey.generate("ES256").public()

    assert make(KeySet(new, old)).derived_secrets(b"x") == (new.derive(b"x"), old.derive(b"x"))
    assert make(KeySet(private, public)).derived_secrets(b"x") == (private.derive(b"x"),)


def test_the_store_can_be_reached() -> None:
    assert isinstance(make(SharedKey.generate()).store, MemoryStore)


def test_a_secret_and_a_table_of_settings_are_told_what_they_should_be() -> None:
    text: Any = "hunter2"
    parts: dict[str, Any] = {"refresh_keys": SharedKey.generate(), "store": MemoryStore()}

    with pytest.raises(KeyRejected, match=r"and not str: SharedKey\.from_secret makes") as refused:
        TokenManager(POLICY, access_keys=text, **parts)
    assert "hunter2" not in str(refused.value)
    with pytest.raises(SettingsRejected, match="is a TokenPolicy, and not dict"):
        TokenManager({"issuer": "id"}, access_keys=ACCESS, **parts)  # type: ignore[arg-type]


def test_the_keys_to_publish_are_those_that_it_was_given() -> None:
    assert make(SharedKey.generate()).access_keys.current().keys == (ACCESS,)
