"""Connections whose next request is the last: the server ends, or the request has two lengths."""

import asyncio
import socket
from typing import Any

import pytest

from tests.budget import PATIENCE_S
from tests.server.test_http_protocol import HEALTH, answering, ended, running, small

LENGTH_OF_TWO = [(b"content-length", b"2")]
pytestmark = pytest.mark.anyio


async def test_a_server_that_ends_answers_every_connection_it_has_accepted() -> None:
    began, release = asyncio.Event(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/slow":
            began.set()
            await release.wait()
        await small(scope, receive, send)

    async with running(slow, first_s=PATIENCE_S) as (server, address):
        at_work, silent, idle = [await asyncio.open_connection(*address) for _ in range(3)]
        at_work[1].write(HEALTH.replace(b"/healthz", b"/slow"))
        idle[1].write(HEALTH)
        await began.wait()
        await idle[0].readuntil(b"\r\n\r\n")
        queued = [socket.create_connection(address) for _ in range(20)]  # the loop has no turn
        server.should_exit = True
        while server.servers[0].is_serving():  # noqa: ASYNC110 - until it begins to end
            await asyncio.sleep(0)

        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
        assert await idle[0].read() == b""
        idle[1].close()
        late = [await asyncio.open_connection(sock=each) for each in queued]
        release.set()
        for reader, writer in (at_work, silent, *late):
            if reader is not at_work[0]:
                writer.write(HEALTH)
            answer = await reader.read()
            writer.close()
            assert answer.startswith(b"HTTP/1.1 200")
            assert b"connection: close" in answer.lower()


async def test_a_client_that_sends_nothing_does_not_hold_the_end_until_its_deadline() -> None:
    async with running(small, head_s=10_000) as (server, address):
        silent, begun = [await asyncio.open_connection(*address) for _ in range(2)]
        begun[1].write(HEALTH[:20])
        while len(server.server_state.connections) < 2:  # noqa: ASYNC110 - turns of the loop
            await asyncio.sleep(0)
        server.should_exit = True

        async with asyncio.timeout(PATIENCE_S):
            assert await silent[0].read() == b""
            begun[1].write(HEALTH[20:])
            assert (await begun[0].read()).startswith(b"HTTP/1.1 200")
        for _, writer in (silent, begun):
            writer.close()


async def test_an_answer_that_began_before_the_end_is_the_last_of_its_connection() -> None:
    began, release = asyncio.Event(), asyncio.Event()

    async def in_parts(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": LENGTH_OF_TWO})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        began.set()
        await release.wait()
        await send({"type": "http.response.body", "body": b"b"})

    async with running(in_parts) as (server, address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(HEALTH)
        await began.wait()
        server.should_exit = True
        while server.servers[0].is_serving():  # noqa: ASYNC110 - until it begins to end
            await asyncio.sleep(0)
        release.set()
        async with asyncio.timeout(PATIENCE_S):
            answer = await reader.read()
        writer.close()

    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\nab")


async def test_a_request_of_two_lengths_is_the_last_of_its_connection() -> None:
    both = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n"
    smuggled = b"\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    paths: list[str] = []

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        paths.append(scope["path"])
        await small(scope, receive, send)

    async with answering(noting) as address:
        first = await ended(address, both + smuggled)
        second = await ended(address, HEALTH + both + smuggled)

    assert first.count(b"HTTP/1.1 200") == 1
    assert second.count(b"HTTP/1.1 200") == 2
    assert first.lower().count(b"connection: close") == 1
    assert second.lower().count(b"connection: close") == 1
    assert paths == ["/", "/healthz", "/"]
