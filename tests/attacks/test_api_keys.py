"""API keys: what a thief, a key itself, or a stolen database gets out of them."""

import asyncio
from typing import Any

import pytest

from gatepass.asgi import Auth as AsgiAuth
from gatepass.errors import (
    ClaimsRejected,
    GatepassError,
    TokenExpired,
    TokenMalformed,
    TokenRevoked,
)
from gatepass.flask import Auth
from gatepass.http import Cookies, HttpPolicy, RequestRefused, Requirement
from gatepass.manager import AsyncTokenManager, TokenManager
from gatepass.sessions.session import partition_digits
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from gatepass.tokens import TokenVerifier
from gatepass.tokens.opaque import KEY_PREFIX, new_text
from gatepass.tokens.policy import TokenPolicy
from tests.attacks.service import ACCESS, REFRESH, Service
from tests.attacks.target import AUDIENCE, ISSUER
from tests.http.asking import asgi

READS = Requirement(scopes=("read",))


def key_of(service: Service, subject: str = "alice", scopes: tuple[str, ...] = ("read",)) -> Any:
    return service.call("issue_key", subject, name="ci", scopes=scopes, expires="30d")


def test_a_key_is_no_access_token_and_no_refresh_token(service: Service) -> None:
    issued = key_of(service)

    for operation in ("verify", "refresh"):
        with pytest.raises(TokenMalformed):
            service.call(operation, issued.key)
    with pytest.raises(TokenMalformed):
        service.log_out(access_token=issued.key)
    with pytest.raises(TokenMalformed):
        service.log_out(refresh_token=issued.key)
    assert service.call("verify_key", issued.key)


def test_a_key_makes_no_other_key(service: Service) -> None:
    claims = service.call("verify_key", key_of(service).key)

    with pytest.raises(ClaimsRejected):
        service.call("issue_key", claims, name="more", scopes=("read",), expires="30d")


def test_a_session_that_acts_for_a_user_leaves_no_key_behind(service: Service) -> None:
    pair = service.issue(session_claims={"act": {"sub": "support"}})
    claims = service.verify(pair.access_token)

    with pytest.raises(ClaimsRejected):
        service.call("issue_key", claims, name="mine", scopes=(), expires="30d")


@pytest.mark.parametrize("own", [{}, {"scope": ""}, {"scope": "write"}])
def test_a_user_gives_a_key_no_scope_that_its_own_token_lacks(
    service: Service, own: dict[str, str]
) -> None:
    claims = service.verify(service.call("issue", "alice", own).access_token)

    with pytest.raises(ClaimsRejected, match="its own token"):
        service.call("issue_key", claims, name="more", scopes=("read",), expires="30d")
    assert service.call("issue_key", claims, name="none", scopes=(), expires="30d")


def test_a_revoked_session_leaves_no_key_behind(service: Service) -> None:
    claims = service.verify(service.issue().access_token)
    service.revoke_subject("alice")

    with pytest.raises(TokenRevoked):
        service.call("issue_key", claims, name="later", scopes=(), expires="30d")
    assert service.call("keys", "alice") == []


def test_other_partition_digits_or_another_letter_find_nothing(service: Service) -> None:
    key = key_of(service).key
    digits = key[len(KEY_PREFIX) :][:2]
    other = new_text(KEY_PREFIX, next(s for s in "bcd" if partition_digits(s) != digits), bytes(32))

    moved = other[: len(KEY_PREFIX) + 2] + key[len(KEY_PREFIX) + 2 :]
    for text in (moved, key.swapcase(), key.replace("gp_key_", "gp_at_"), key[:-1] + "g", key * 2):
        with pytest.raises(GatepassError):
            service.call("verify_key", text)


def test_a_guess_says_what_an_expired_key_says(service: Service) -> None:
    with pytest.raises(TokenExpired) as guessed:
        service.call("verify_key", new_text(KEY_PREFIX, "alice", bytes(32)))

    assert guessed.value.code == "token_expired"


def test_the_rows_of_a_key_give_no_key(service: Service) -> None:
    """Whatever a thief of the database makes of the ids and hashes in it."""
    issued = key_of(service)
    [row] = service.call("keys", "alice")
    [session] = service.stored_keys("alice")

    assert issued.key not in repr((row, session))
    random = issued.key[len(KEY_PREFIX) + 2 : -8]
    assert random not in repr((row, session))
    for text in (row.key_id, f"{KEY_PREFIX}{row.key_id}", session.sec_hash.hex()):
        with pytest.raises(TokenMalformed):
            service.call("verify_key", text)
        with pytest.raises(TokenMalformed):
            service.refresh(text)


def test_ending_everything_ends_keys_and_keeping_them_is_explicit(service: Service) -> None:
    issued = key_of(service)
    service.call("revoke_subject", "alice", keep_keys=True)
    assert service.call("verify_key", issued.key)
    service.revoke_subject("alice")

    with pytest.raises(TokenRevoked):
        service.call("verify_key", issued.key)


def test_a_session_id_ends_no_session_where_a_key_is_to_end(service: Service) -> None:
    pair = service.issue()

    assert service.call("revoke_key", pair.session_id) is False
    assert service.verify(pair.access_token)


def test_a_key_of_a_disabled_subject_is_dead_and_lives_again_with_it() -> None:
    disabled: list[str] = []
    manager = manager_of(lambda subject, _: None if subject in disabled else {})
    key = manager.issue_key("alice", name="ci", scopes=("read",), expires="30d").key
    auth = Auth(manager)

    assert auth.guard.check(bearing(key), READS)
    disabled.append("alice")
    assert refusal(auth, key) == "token_revoked"
    disabled.clear()
    assert auth.guard.check(bearing(key), READS)


@pytest.mark.parametrize(
    ("today", "held"),
    [({"scope": "read write"}, {"read"}), ({"scope": "write"}, set()), ({}, set())],
)
def test_a_key_that_a_user_made_never_exceeds_the_user(
    today: dict[str, str], held: set[str]
) -> None:
    manager = manager_of(lambda *_: today)
    claims = manager.verify(manager.issue("alice", {"scope": "read write"}).access_token)
    own = manager.issue_key(claims, name="ci", scopes=("read",), expires="30d").key
    given = manager.issue_key("alice", name="ci", scopes=("read",), expires="30d").key

    assert manager.verify_key(own).scopes == held
    assert set(manager.verify_key(own)) == set(manager.verify_key(given))
    assert manager.verify_key(given).scopes == (held if today else {"read"})


def test_a_key_in_a_cookie_is_refused() -> None:
    manager = manager_of(None)
    key = manager.issue_key("alice", name="ci", scopes=("read",), expires="30d").key
    auth = Auth(
        manager, http=HttpPolicy(cookies=Cookies(), public_origins=["https://app.example.com"])
    )
    cookies = auth.policy.cookies
    assert cookies is not None
    request = asgi("GET /", f"Cookie: {cookies.access}={key}")

    with pytest.raises(RequestRefused) as refused:
        auth.guard.check(request, READS)
    assert refused.value.problem.code == "token_invalid"


def test_a_route_without_scopes_asks_no_store_about_a_key() -> None:
    manager = manager_of(None)
    key = manager.issue_key("alice", name="ci", scopes=("read",), expires="30d").key
    auth = Auth(manager)
    manager.close()

    assert refusal(auth, key, Requirement()) == "insufficient_scope"
    assert refusal(auth, key, Requirement(kinds={"session"})) == "insufficient_scope"
    assert refusal(auth, key, Requirement(kinds={"key"})) == "store_unavailable"


def test_where_keys_pass_only_a_session_does_not() -> None:
    manager = manager_of(None)
    keys_only = Requirement(kinds={"key"})
    key = manager.issue_key("alice", name="ci", scopes=(), expires="30d").key
    auth = Auth(manager)

    assert auth.guard.check(bearing(key), keys_only)
    token = manager.issue("alice", {"scope": "read"}).access_token
    assert refusal(auth, token, keys_only) == "insufficient_scope"


def test_a_verifier_accepts_no_key() -> None:
    key = manager_of(None).issue_key("alice", name="ci", scopes=("read",), expires="30d").key
    auth = Auth(TokenVerifier(ACCESS, issuer=ISSUER, audience=AUDIENCE))

    with pytest.raises(RequestRefused) as refused:
        auth.guard.check(bearing(key), READS)
    assert refused.value.problem.code == "token_invalid"
    assert "manager" in str(refused.value.__cause__)


def test_the_awaiting_guard_decides_alike() -> None:
    policy = TokenPolicy(issuer=ISSUER, audience=AUDIENCE)
    manager = AsyncTokenManager(
        policy, access_keys=ACCESS, refresh_keys=REFRESH, store=AsyncMemoryStore()
    )
    auth = AsgiAuth(manager)

    async def play() -> None:
        issued = await manager.issue_key("alice", name="ci", scopes=("read",), expires="30d")
        claims = await auth.guard.acheck(bearing(issued.key), READS)
        assert claims is not None
        assert claims.kind == "key"
        with pytest.raises(RequestRefused) as refused:
            await auth.guard.acheck(bearing(issued.key), Requirement(), optional=True)
        assert refused.value.problem.code == "insufficient_scope"

    asyncio.run(play())


def manager_of(load_claims: Any) -> TokenManager:
    policy = TokenPolicy(issuer=ISSUER, audience=AUDIENCE)
    return TokenManager(
        policy,
        access_keys=ACCESS,
        refresh_keys=REFRESH,
        store=MemoryStore(),
        load_claims=load_claims,
    )


def bearing(token: str) -> Any:
    return asgi("GET /", f"Authorization: Bearer {token}")


def refusal(auth: Auth, token: str, requirement: Requirement = READS) -> str:
    with pytest.raises(RequestRefused) as refused:
        auth.guard.check(bearing(token), requirement)
    return refused.value.problem.code
