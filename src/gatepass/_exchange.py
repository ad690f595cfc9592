"""One HTTP exchange within limits of time and size, on a thread and an event loop of its own.

Timeouts of HTTP clients limit each read, so a server that sends an octet now and then holds a
caller for hours; a task on an event loop can be cancelled as a whole. Callers wait for its
future: a thread directly, a coroutine through `asyncio.wrap_future`.
"""

import asyncio
import ssl
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from gatepass._addresses import is_loopback

_AGENT: Final = {"User-Agent": "gatepass", "Accept-Encoding": "identity"}


class ExchangeFailed(Exception):
    """The exchange gave no usable answer; the text says why and holds nothing that was sent."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    status: int
    headers: httpx.Headers
    body: bytes = field(repr=False)


def default_tls() -> ssl.SSLContext:
    """The TLS settings with which httpx checks certificates.

    Raises:
        ExchangeFailed: The authorities that the environment names cannot be read.
    """
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        reason = error.strerror
    raise ExchangeFailed(f"no certificate can be checked ({reason})")


def new_client(url: httpx.URL, tls: ssl.SSLContext, timeout_s: float) -> httpx.AsyncClient:
    """A client for one address that follows no redirects; proxies are the environment's.

    Plain http and requests to this machine use no proxy: nobody may be on the way.
    `timeout_s` limits each read only; the caller limits the whole exchange.

    Raises:
        ExchangeFailed: The environment names a proxy that cannot be used.
    """
    try:
        return httpx.AsyncClient(
            verify=tls,
            headers=_AGENT,
            follow_redirects=False,
            timeout=timeout_s,
            trust_env=url.scheme == "https" and not is_loopback(url),
        )
    except (httpx.InvalidURL, ValueError, ImportError):
        pass
    raise ExchangeFailed("the proxy that the environment names cannot be used")


async def exchange(client: httpx.AsyncClient, request: httpx.Request, *, max_size: int) -> Reply:
    """The answer to a request, whatever its status.

    Raises:
        ExchangeFailed: No answer came, or its body is encoded or larger than `max_size` octets.
    """
    try:
        response = await client.send(request, stream=True)
        try:
            return Reply(response.status_code, response.headers, await _read(response, max_size))
        finally:
            await response.aclose()
    except httpx.HTTPError as error:
        kind = type(error).__name__
    raise ExchangeFailed(f"there was no answer ({kind})")


async def _read(response: httpx.Response, max_size: int) -> bytes:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ExchangeFailed("the answer is compressed, although the request excluded that")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > max_size:
            raise ExchangeFailed(f"the answer has more than {max_size} bytes")
    return bytes(body)


def run_apart(
    work: Callable[[], Coroutine[Any, Any, None]], done: Future[None], *, is_daemon: bool
) -> None:
    """Run a coroutine on a thread of its own; `done` is set before the loop is closed.

    Args:
        work: Makes the coroutine, which keeps its outcome itself.
        done: The future that is done when the coroutine has ended or failed.
        is_daemon: The end of the process need not wait for it.

    Raises:
        RuntimeError: The process cannot have another thread, or no loop for it.
    """
    try:
        # Not on the thread: nobody would set `done` if there is no descriptor left for it.
        loop = asyncio.new_event_loop()
    except OSError as error:
        raise RuntimeError("there can be no other event loop") from error

    async def finish() -> None:
        done.set_running_or_notify_cancel()  # from now on nobody cancels it for the others
        try:
            await work()
        finally:
            done.set_result(None)

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(finish())

    try:
        threading.Thread(target=run, name="gatepass", daemon=is_daemon).start()
    except RuntimeError:
        loop.close()
        raise
