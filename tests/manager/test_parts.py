"""What frameworks ask of a manager beside tokens."""

from typing import Any

import pytest

from gatepass import (
    AsyncTokenManager,
    AsyncTokenVerifier,
    TokenManager,
    TokenPolicy,
    TokenVerifier,
)
from gatepass.errors import KeyRejected, SettingsRejected, TokenInvalid
from gatepass.jose import KeySet, SharedKey, SigningKey
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore

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


@pytest.mark.parametrize("kind", [TokenManager, AsyncTokenManager])
@pytest.mark.parametrize(
    ("given", "named", "why"),
    [
        ((POLICY, ACCESS, ACCESS), {}, "too many positional arguments"),
        ((POLICY,), {"access_keys": ACCESS}, "missing a required argument: 'refresh_keys'"),
        ((), {}, "missing a required argument: 'policy'"),
    ],
)
def test_a_wrong_call_of_a_manager_names_it_and_its_keywords(
    kind: Any, given: tuple[Any, ...], named: dict[str, Any], why: str
) -> None:
    with pytest.raises(TypeError) as refused:
        kind(*given, **named)

    name = kind.__name__
    assert str(refused.value) == (
        f"{name}: {why}; write {name}(policy, access_keys=…, refresh_keys=…, store=…)"
    )


@pytest.mark.parametrize("kind", [TokenVerifier, AsyncTokenVerifier])
def test_a_wrong_call_of_a_verifier_names_it_and_its_keywords(kind: Any) -> None:
    with pytest.raises(TypeError) as refused:
        kind(ACCESS, "id", "api")

    name = kind.__name__
    assert str(refused.value) == (
        f"{name}: too many positional arguments; write {name}(keys, issuer=…, audience=…)"
    )


def test_a_wrong_call_of_a_manager_of_your_own_names_that() -> None:
    class Ours(TokenManager):
        pass

    with pytest.raises(TypeError, match=r"^Ours: .*'secret'; write Ours\(policy, ") as refused:
        Ours(
            POLICY,
            access_keys=ACCESS,
            refresh_keys=SharedKey.generate(),
            store=MemoryStore(),
            secret="hunter2",  # type: ignore[call-arg]
        )
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "store", "hint"),
    [
        (TokenManager, AsyncMemoryStore(), "AsyncMemoryStore is not a sync …: use MemoryStore"),
        (AsyncTokenManager, MemoryStore(), "MemoryStore is not an async …: use AsyncMemoryStore"),
        (TokenManager, "sqlite:///", "str is not a sync …: open the database with SqlStore.from_"),
        (AsyncTokenManager, "rediss://", "str is not an async …: open … AsyncRedisStore.from_url"),
        (TokenManager, MemoryStore, "type is not a sync …: call MemoryStore to make one"),
        (AsyncTokenManager, None, "NoneType is not an async …"),
    ],
)
def test_a_store_that_does_not_fit_is_told_with_the_one_that_does(
    kind: Any, store: Any, hint: str
) -> None:
    given = f"{store}u:hunter2@h/0" if isinstance(store, str) else store
    with pytest.raises(TypeError) as refused:
        kind(POLICY, access_keys=ACCESS, refresh_keys=SharedKey.generate(), store=given)

    begins, _, rest = hint.partition(" …")
    assert str(refused.value).startswith(f"{begins} store or source of revocations")
    assert all(part in str(refused.value) for part in rest.split(" … "))
    assert "hunter2" not in str(refused.value)


def test_a_secret_and_a_table_of_settings_are_told_what_they_should_be() -> None:
    text: Any = "hunter2"
    parts: dict[str, Any] = {"refresh_keys": SharedKey.generate(), "store": MemoryStore()}

    with pytest.raises(KeyRejected, match=r"and not str: SharedKey\.from_secret makes") as refused:
        TokenManager(POLICY, access_keys=text, **parts)
    assert "hunter2" not in str(refused.value)
    with pytest.raises(SettingsRejected, match="is a TokenPolicy, and not dict"):
        TokenManager({"issuer": "id"}, access_keys=ACCESS, **parts)  # type: ignore[arg-type]
