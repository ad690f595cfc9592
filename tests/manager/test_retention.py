"""How long a revocation is remembered."""

from typing import Any

import pytest

from gatepass import TokenIssuer, TokenVerifier
from gatepass.errors import TokenRevoked
from gatepass.jose import SharedKey, sign
from tests.manager.conftest import Clock, Make

NAMES: dict[str, Any] = {"issuer": "api-server", "audience": "api-client"}


@pytest.mark.parametrize("lifetime", [1, 3600, 10 * 365 * 86400])
def test_a_revoked_service_token_outlives_no_purge(make: Make, clock: Clock, lifetime: int) -> None:
    key = SharedKey.generate()
    manager = make(access_keys=key)
    token = TokenIssuer(key, lifetime=lifetime, now=clock, **NAMES).issue("backup")
    verifier = TokenVerifier(key, revocations=plain(manager), now=clock, **NAMES)
    manager.revoke_token(verifier.verify(token))

    clock.advance(lifetime - 1)
    manager.purge()

    with pytest.raises(TokenRevoked):
        verifier.verify(token)


@pytest.mark.parametrize("expiry", [1e300, 10**400])
def test_revoking_a_token_that_hardly_ever_expires(make: Make, clock: Clock, expiry: Any) -> None:
    key = SharedKey.generate()
    manager = make(access_keys=key)
    verifier = TokenVerifier(key, revocations=plain(manager), now=clock, **NAMES)
    own = {"iss": "api-server", "aud": "api-client", "sub": "u", "exp": expiry, "jti": "00"}
    token = sign(own, key, typ="at+jwt")

    manager.revoke_token(verifier.verify(token))
    clock.advance(10 * 365 * 86400)
    manager.purge()

    with pytest.raises(TokenRevoked):
        verifier.verify(token)


def plain(manager: Any) -> Any:
    """The memory store under either twin."""
    store = manager._store
    return getattr(store, "_work", store)
