"""Two tiny services that ask a replica, for servers with several workers."""

import asyncio
import json
import os
from collections.abc import Callable, Iterable
from typing import Any

from tests.revocations.worlds import async_replica_from_url, replica_from_url

URL = os.environ.get("GATEPASS_TEST_URL", "")


def answer(*, is_revoked: bool, is_fresh: bool, is_held: bool) -> bytes:
    return json.dumps(
        {"pid": os.getpid(), "revoked": is_revoked, "fresh": is_fresh, "held": is_held}
    ).encode()


def wsgi() -> Callable[..., Iterable[bytes]]:
    """A WSGI service whose replica reads before the server forks."""
    replica = replica_from_url(URL)
    replica.is_revoked(None, "00other")

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        token = environ["PATH_INFO"][1:]
        body = answer(
            is_revoked=replica.is_revoked(None, token),
            is_fresh=replica.fresh(),
            is_held=replica._denylist.is_held(None, token),
        )
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    return app


def asgi() -> Callable[..., Any]:
    """An ASGI service; the replica follows on the loop of the first request."""
    replica = async_replica_from_url(URL)

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await replica.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
        token = scope["path"][1:]
        body = answer(
            is_revoked=await replica.is_revoked(None, token),
            is_fresh=await replica.fresh(),
            is_held=replica._denylist.is_held(None, token),
        )
        await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return app
