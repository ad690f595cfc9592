"""Two tiny services that ask a replica, for servers with several workers."""

import asyncio
import json
import os
from collections.abc import Callable, Iterable
from typing import Any

from gatepass.revocations import AsyncReplica, Replica, replica_of
from gatepass.stores.sql import AsyncSqlStore, SqlStore

URL = os.environ.get("GATEPASS_TEST_URL", "")


def answer(*, is_revoked: bool, is_fresh: bool, is_held: bool) -> bytes:
    return json.dumps(
        {"pid": os.getpid(), "revoked": is_revoked, "fresh": is_fresh, "held": is_held}
    ).encode()


def is_held(replica: Any, token: str, *, is_revoked: bool) -> bool:
    """Whether the copy itself has it, whatever the store would say; on SQLite there is none."""
    held: bool = is_revoked if URL.startswith("sqlite") else replica._denylist.is_held(None, token)
    return held


def wsgi() -> Callable[..., Iterable[bytes]]:
    """A WSGI service whose replica reads before the server forks."""
    is_file = URL.startswith("sqlite")
    replica: Any = replica_of(SqlStore.from_url(URL)) if is_file else Replica.from_url(URL)
    replica.is_revoked(None, "00other")

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        token = environ["PATH_INFO"][1:]
        is_revoked = replica.is_revoked(None, token)
        body = answer(
            is_revoked=is_revoked,
            is_fresh=replica.fresh(),
            is_held=is_held(replica, token, is_revoked=is_revoked),
        )
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    return app


def asgi() -> Callable[..., Any]:
    """An ASGI service; the replica follows on the loop of the first request."""
    is_file = URL.startswith("sqlite")
    replica: Any = (
        replica_of(AsyncSqlStore.from_url(URL)) if is_file else AsyncReplica.from_url(URL)
    )

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await replica.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
        token = scope["path"][1:]
        is_revoked = await replica.is_revoked(None, token)
        body = answer(
            is_revoked=is_revoked,
            is_fresh=await replica.fresh(),
            is_held=is_held(replica, token, is_revoked=is_revoked),
        )
        await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return app
