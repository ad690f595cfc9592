"""A manager of each kind over memory, with a clock that tests set."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gatepass import AsyncTokenManager, TokenManager, TokenPolicy
from gatepass.events import Event
from gatepass.jose import SharedKey
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from tests.manager.counted import Counted
from tests.twins import Driven

_PARTS = (
    "store",
    "revocations",
    "load_claims",
    "on_event",
    "access_keys",
    "refresh_keys",
    "legacy",
)
START = 1_700_000_000.25


class Clock:
    """Seconds since 1970 that pass when a test says so."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> float:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += seconds


Make = Callable[..., Any]


class Heard(list[Event]):
    """The events so far; it is a hook."""

    def __call__(self, event: Event) -> None:
        self.append(event)

    @property
    def kinds(self) -> list[str]:
        return [str(event.kind) for event in self]

    def since(self) -> list[str]:
        """The kinds since the last call."""
        kinds = self.kinds
        self.clear()
        return kinds


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["jwt", "opaque"])
def access_format(request: pytest.FixtureRequest) -> str:
    """The form of access tokens: a manager keeps the same promises with both."""
    chosen: str = request.param
    return chosen


@pytest.fixture(params=["sync", "async"])
def make(request: pytest.FixtureRequest, clock: Clock, access_format: str) -> Iterator[Make]:
    """Builds a manager of the twin under test; policy fields and manager parts as keywords."""
    loop = asyncio.new_event_loop()
    access, refresh = SharedKey.generate(), SharedKey.generate()

    def build(**options: Any) -> Any:
        parts = {name: options.pop(name) for name in _PARTS if name in options}
        names = {"issuer": "api-server", "audience": "api-client", "access_format": access_format}
        policy = TokenPolicy(**names | options)
        is_async = request.param == "async"
        parts.setdefault("access_keys", access)
        parts.setdefault("refresh_keys", refresh)
        if is_async:
            parts.setdefault("store", AsyncMemoryStore(clock=clock))
            return Driven(AsyncTokenManager(policy, now=clock, **parts), loop)
        parts.setdefault("store", MemoryStore(clock=clock))
        return TokenManager(policy, now=clock, **parts)

    yield build
    loop.close()


@pytest.fixture
def manager(make: Make) -> Any:
    return make()


@pytest.fixture
def counted(make: Make, clock: Clock) -> Counted:
    is_async = make().store.is_async
    return Counted(AsyncMemoryStore(clock) if is_async else MemoryStore(clock))
