"""Connections whose next request is the last: the server ends, or the request has two lengths."""

import asyncio
import socket
from typing import Any

import pytest

from tests.server.test_http_protocol import HEALTH, answering, ended, running, small

pytestmark = pytest.mark.anyio


async def test_a_server_that_ends_answers_every_connection_it_has_accepted() -> None:
    began, release = asyncio.Event(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/slow":
            began.set()
            await release.wait()
        await small(scope, receive, send)

    async with running(slow) as (server, address):
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
