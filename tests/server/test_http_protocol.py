"""Clients that say nothing, drip, or do not listen: the server stays there for others."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import chain, repeat
from typing import Any

import pytest
import uvicorn

from gatepass.server.ending import DrainingServer
from gatepass.server.http_protocol import HEAD_S, Connection, ConnectionLimit
from gatepass.server.resources import fit, quieten
from tests.cases import case

HALF = {
    "nothing": b"",
    "half a head": b"GET /auth/me HTTP/1.1\r\nHost: x\r\nX-A: ",
    "half a body": b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{",
}
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def test_room_is_left_for_files_whatever_the_limit() -> None:
    for descriptors in (256, 1_024, 20_000, 65_536):
        fitting = fit(descriptors)

        assert fitting.connections + 2 * fitting.backlog + 128 <= descriptors
        assert 4 <= fitting.backlog <= 100
        assert 16 <= fitting.connections <= 2_000


class Hours:
    """The loop's clock, which a test moves on: no deadline depends on how busy the machine is."""

    def __init__(self, loop: Any) -> None:
        self._ahead_s = 0.0
        self.loop, self.steady = loop, loop.time
        loop.time = lambda: self.steady() + self._ahead_s

    async def go_by(self, seconds: float) -> None:
        """Let this time pass, and everybody have a turn."""
        self._ahead_s += seconds
        await asyncio.sleep(0.001)


@pytest.fixture
async def hours() -> AsyncIterator[Hours]:
    hours = Hours(asyncio.get_running_loop())
    yield hours
    hours.loop.time = hours.steady


@asynccontextmanager
async def answering(app: Any, *, connections: int = 100) -> AsyncIterator[tuple[str, int]]:
    """An application behind real sockets and the server's own protocol."""
    async with running(app, connections=connections) as (server, address):
        yield address
        server.force_exit = True


@asynccontextmanager
async def running(
    app: Any, *, connections: int = 100, keep_alive_s: int = 10_000, **deadlines: float
) -> AsyncIterator[tuple[DrainingServer, tuple[str, int]]]:
    """The same with the server, which ends in good order; deadlines are those of `Connection`."""
    protocol: Any = partial(Connection, limit=ConnectionLimit(connections), **deadlines)
    config = uvicorn.Config(
        app,
        http=protocol,
        log_config=None,
        ws="none",
        lifespan="off",
        timeout_keep_alive=keep_alive_s,
    )
    server = DrainingServer(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        task = asyncio.create_task(server.serve([listener]))
        while not server.started:  # noqa: ASYNC110 - turns of the loop, no time
            await asyncio.sleep(0)
        yield server, listener.getsockname()
        server.should_exit = True
        await task


async def small(_: object, __: object, send: Any) -> None:
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
    )
    await send({"type": "http.response.body"})


async def huge(_: object, __: object, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(1_000):
        await send({"type": "http.response.body", "body": bytes(65_536), "more_body": True})


async def ended(address: tuple[str, int], *pieces: bytes, hours: Hours | None = None) -> bytes:
    """The bytes that come back until the server hangs up on who drips one a second for ever."""
    reader, writer = await asyncio.open_connection(*address)
    received, reading = b"", asyncio.create_task(reader.read())
    with suppress(ConnectionError):
        for piece in chain(pieces, repeat(pieces[-1]) if hours else ()):
            writer.write(piece)
            await writer.drain()
            if hours:
                await hours.go_by(1)
            if reading.done():
                break
        received = await reading
    writer.close()
    return received


pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("head", "dripping"), [(b"", b""), (HALF["half a head"], b"a")])
async def test_a_head_that_never_ends(head: bytes, dripping: bytes, hours: Hours) -> None:
    async with answering(small) as address:
        assert await ended(address, head, dripping, hours=hours) == b""


async def test_a_second_head_that_never_ends(hours: Hours) -> None:
    async with answering(small) as address:
        received = await ended(address, HEALTH + b"GET / HTTP/1.1\r\nX-A: ", b"b", hours=hours)

    assert received.startswith(b"HTTP/1.1 200")


async def test_a_body_that_never_ends_after_its_answer(hours: Hours) -> None:
    async with answering(small) as address:
        unread = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n"
        received = await ended(address, unread, b"a", hours=hours)

    assert received.startswith(b"HTTP/1.1 200")


async def test_a_client_that_never_reads_its_answer(hours: Hours) -> None:
    async with answering(huge) as address:
        reader, writer = await asyncio.open_connection(*address, limit=1)
        writer.write(HEALTH)
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        with suppress(ConnectionError):
            while True:
                writer.write(b"\r\n")
                await writer.drain()
                await hours.go_by(1)


async def test_requests_that_come_in_time_share_one_connection(hours: Hours) -> None:
    async with answering(small) as address:
        reader, writer = await asyncio.open_connection(*address)
        for _ in range(20):
            writer.write(HEALTH)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            await hours.go_by(HEAD_S / 2)
        writer.close()


async def test_pipelined_requests_are_all_answered() -> None:
    async with answering(small) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(HEALTH * 10)
        for _ in range(10):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_the_longest_silent_makes_room_and_one_at_work_does_not() -> None:
    began, release = asyncio.Event(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/slow":
            began.set()
            await release.wait()
        await small(scope, receive, send)

    async with answering(slow, connections=8) as address:  # two of one address
        at_work = await asyncio.open_connection(*address)
        at_work[1].write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        await began.wait()
        quiet = [await asyncio.open_connection(*address) for _ in range(5)]
        newest = quiet.pop()
        newest[1].write(HEALTH)

        assert (await newest[0].readline()).startswith(b"HTTP/1.1 200")
        for reader, _ in quiet:
            with suppress(ConnectionError):
                assert await reader.read() == b""
        release.set()
        assert (await at_work[0].readline()).startswith(b"HTTP/1.1 200")
        for _, writer in (at_work, newest, *quiet):
            writer.close()


NO_HTTP = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"GET /" + b"a" * 100_000,
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
]


async def test_what_is_no_http_is_answered_as_json() -> None:
    async def patient(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        await small(scope, receive, send)

    async with answering(patient) as address:
        for sent in NO_HTTP:
            head, _, body = (await ended(address, sent)).partition(b"\r\n\r\n")

            with case(sent[:20]):
                assert head.startswith(b"HTTP/1.1 400 ")
                assert b"application/json" in head
                assert body == b'{"error":"Invalid request","code":"invalid_request"}'


async def test_a_connection_may_be_idle_for_the_keep_alive_time(hours: Hours) -> None:
    async with running(small, keep_alive_s=100) as (server, address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(HEALTH)
        await reader.readuntil(b"\r\n\r\n")
        await hours.go_by(3 * HEAD_S)
        writer.write(HEALTH)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        await hours.go_by(101)
        assert await reader.read() == b""
        writer.close()
        server.force_exit = True


async def test_running_out_of_file_descriptors_is_said_once_a_minute(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    loop = asyncio.get_running_loop()
    quieten(loop)
    try:
        for _ in range(1_000):
            loop.call_exception_handler({"message": "accept", "exception": OSError(24, "full")})
        loop.call_exception_handler({"message": "another fault", "exception": OSError(5, "broken")})
    finally:
        loop.set_exception_handler(None)
    said = capsys.readouterr().out + caplog.text

    assert said.count("out of file descriptors") == 1
    assert said.count("another fault") == 1
