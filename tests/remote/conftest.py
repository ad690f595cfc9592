"""One issuer on a socket, one resource server in either twin, one clock."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from tests.remote.issuer import Issuer
from tests.remote.resource import Clock, Resource, Twin, issuer_keys, remote_keys

Connect = Callable[..., Resource]


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


@pytest.fixture(params=["sync", "async"])
def twin(request: pytest.FixtureRequest) -> Twin:
    return cast("Twin", request.param)


@pytest.fixture
def connect(twin: Twin, runner: asyncio.Runner, issuer: Issuer, clock: Clock) -> Connect:
    """A resource server for the issuer, by its JWKS or with `discover=True` by its metadata."""

    def connect(*, discover: bool = False, url: str | None = None, **options: Any) -> Resource:
        options = {"timeout": 60, "now": clock, **options}
        if discover:
            keys = issuer_keys(twin, issuer.name, **options)
        else:
            keys = remote_keys(twin, url or issuer.jwks_url, **options)
        return Resource(twin, runner, issuer.name, keys)

    return connect


@pytest.fixture
def resource(connect: Connect) -> Resource:
    return connect()
