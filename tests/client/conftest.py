"""A server with an application for each test, and a client of either kind."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, cast

import httpx
import pytest

from gatepass.errors import GatepassError
from gatepass.httpx import TokenAuth
from tests.budget import PATIENCE_S
from tests.client.world import Host, World
from tests.leaks import Leaks, watching

Twin = Literal["sync", "async"]


@pytest.fixture(scope="session", autouse=True)
def _patient() -> Iterator[None]:
    """A server on a busy machine answers late, and that is no failure."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_server._HOLD_S", "_server._ATTEMPT_S", "_refresher.LOCK_S",
                     "auth._PATIENCE_S"):  # fmt: skip
            patch.setattr(f"gatepass.httpx.{name}", PATIENCE_S)
        yield


@pytest.fixture(autouse=True)
def leaks(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[Leaks]:
    yield from watching(caplog, capfd)


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    with Host().serve() as host:
        yield host


@pytest.fixture
def world(host: Host) -> Iterator[World]:
    with World().on(host) as world:
        yield world


@pytest.fixture(params=["sync", "async"])
def twin(request: pytest.FixtureRequest) -> Twin:
    return cast("Twin", request.param)


class Caller:
    """Requests with either kind of client, written once."""

    def __init__(self, twin: Twin, runner: asyncio.Runner, leaks: Leaks) -> None:
        self.twin = twin
        self.runner = runner
        self.leaks = leaks

    def send(self, auth: TokenAuth, method: str, url: str, **options: Any) -> httpx.Response:
        """One request."""
        if self.twin == "sync":
            with httpx.Client(auth=auth) as client:
                return client.request(method, url, **options)

        async def send() -> httpx.Response:
            async with httpx.AsyncClient(auth=auth) as client:
                return await client.request(method, url, **options)

        return self.runner.run(send())

    def get(self, auth: TokenAuth, url: str) -> httpx.Response:
        return self.send(auth, "GET", url)

    def refusal(self, auth: TokenAuth, url: str) -> str:
        """The name of what a request raises; what it holds is watched for tokens."""
        try:
            response = self.get(auth, url)
        except GatepassError as error:
            self.leaks.read_exception(error)
            return type(error).__name__
        return str(response.status_code)

    def outcomes(self, auth: TokenAuth, url: str, count: int = 50) -> list[str]:
        """The statuses of many requests at once, or the names of the errors they raise."""
        if self.twin == "sync":

            def get(client: httpx.Client) -> Any:
                try:
                    return client.get(url)
                except GatepassError as error:
                    return error

            with httpx.Client(auth=auth) as client, ThreadPoolExecutor(32) as pool:
                return [_name(each) for each in pool.map(get, [client] * count)]

        async def every() -> list[Any]:
            async with httpx.AsyncClient(auth=auth) as client:
                asked = (client.get(url) for _ in range(count))
                return await asyncio.gather(*asked, return_exceptions=True)

        return [_name(each) for each in self.runner.run(every())]

    def log_out(self, auth: TokenAuth) -> None:
        if self.twin == "sync":
            auth.log_out()
        else:
            self.runner.run(auth.async_log_out())


def _name(found: Any) -> str:
    return str(found.status_code) if isinstance(found, httpx.Response) else type(found).__name__


@pytest.fixture
def caller(twin: Twin, leaks: Leaks) -> Iterator[Caller]:
    with asyncio.Runner() as runner:
        yield Caller(twin, runner, leaks)
