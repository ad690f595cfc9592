"""The fixtures; a project overrides those that it has something of its own for."""

import pytest

from gatepass.jose import SharedKey
from gatepass.manager import AsyncTokenManager, TokenManager
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from gatepass.testing.clock import Clock
from gatepass.testing.mint import Mint
from gatepass.tokens import TokenPolicy


@pytest.fixture
def gatepass_clock() -> Clock:
    """The time of the managers below."""
    return Clock()


@pytest.fixture
def gatepass_policy() -> TokenPolicy:
    """The rules of the managers below."""
    return TokenPolicy(issuer="api-server", audience="api-client")


@pytest.fixture
def gatepass_manager(gatepass_policy: TokenPolicy, gatepass_clock: Clock) -> TokenManager:
    """A manager in memory with keys of its own; override it with your application's."""
    return TokenManager(
        gatepass_policy,
        access_keys=SharedKey.generate(),
        refresh_keys=SharedKey.generate(),
        store=MemoryStore(clock=gatepass_clock),
        now=gatepass_clock,
    )


@pytest.fixture
def gatepass_async_manager(
    gatepass_policy: TokenPolicy, gatepass_clock: Clock
) -> AsyncTokenManager:
    """The same for applications that await it."""
    return AsyncTokenManager(
        gatepass_policy,
        access_keys=SharedKey.generate(),
        refresh_keys=SharedKey.generate(),
        store=AsyncMemoryStore(clock=gatepass_clock),
        now=gatepass_clock,
    )


@pytest.fixture
def gatepass_mint(request: pytest.FixtureRequest) -> Mint:
    """Tokens of the test's manager, and clients with them; `Mint(manager)` makes another's.

    The manager is `gatepass_async_manager` where the test or its fixtures use that one only, and
    `gatepass_manager` everywhere else.
    """
    used = {"gatepass_manager", "gatepass_async_manager"} & set(request.fixturenames)
    name = used.pop() if len(used) == 1 else "gatepass_manager"
    manager: TokenManager | AsyncTokenManager = request.getfixturevalue(name)
    return Mint(manager)
