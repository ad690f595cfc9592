"""Connections that go on by a refreshed token, in both twins."""

import time
from typing import Any

import pytest

from gatepass.errors import TokenError, TokenInvalid, TokenRevoked
from gatepass.tokens import AccessClaims
from tests.stores.plans import Clock
from tests.watches.conftest import Make
from tests.watches.world import ACCESS


def test_a_renewed_connection_lives_on_with_the_new_token(make: Make) -> None:
    clock = Clock(time.time())
    world = make(now=clock)
    pair, other = world.log_in(), world.log_in("bob")
    line = world.hold(pair.access_token, require=lambda claims: claims["iat"] != 0)
    left = world.hold(other.access_token)
    clock.forward(600_000)
    refreshed = world.manager.refresh(pair.refresh_token)
    line.renew(refreshed.access_token)
    assert line.watch.claims.token_id == world.manager.verify(refreshed.access_token).token_id
    clock.forward(600_000)
    world.until_told(left, "token_expired")
    assert line.watch.reason is None

    world.manager.revoke_token(line.watch.claims)
    world.until_told(line, "token_revoked")
    with pytest.raises(TokenError):
        line.renew(refreshed.access_token)


def test_a_renewal_that_is_rejected_changes_nothing(make: Make) -> None:
    world = make()

    def require(claims: AccessClaims) -> None:
        if claims["role"] != "admin":
            raise PermissionError(claims["role"])

    pair = world.elsewhere.issue("ada", {"role": "admin"})
    line = world.hold(pair.access_token, require=require)
    before = line.watch.claims
    same = world.elsewhere.issue("ada", {"role": "admin"})
    with pytest.raises(TokenInvalid, match="another session"):
        line.renew(same.access_token)
    other = world.elsewhere.issue("bob", {"role": "admin"})
    with pytest.raises(TokenInvalid, match="another session"):
        line.renew(other.access_token)
    user = world.elsewhere.refresh(pair.refresh_token)
    demoted = AccessClaims({**before, "role": "user"}, ACCESS)
    line.watch._verify = answering(demoted, is_async=world.is_async)
    with pytest.raises(PermissionError):
        line.renew(user.access_token)
    assert line.watch.claims is before
    assert line.watch.reason is None
    world.manager.revoke_token(before)
    world.until_told(line, "token_revoked")


def test_new_claims_that_end_while_they_are_looked_up_end_the_connection(make: Make) -> None:
    world = make()
    pair = world.elsewhere.issue("ada")
    line = world.hold(pair.access_token)
    user = world.elsewhere.refresh(pair.refresh_token)
    gone = world.manager.verify(user.access_token)
    line.watch._verify = answering(gone, is_async=world.is_async)
    world.manager.revoke_token(gone)
    with pytest.raises(TokenRevoked):
        line.renew(user.access_token)

    world.until_told(line, "token_revoked")


def answering(claims: AccessClaims, *, is_async: bool) -> Any:
    """A `verify` that looked before something changed."""

    async def later(_: str | None) -> AccessClaims:
        return claims

    return later if is_async else lambda _: claims
