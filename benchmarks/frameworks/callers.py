"""Calls applications as servers do, with the headers that a browser sends."""

import asyncio
import io
from itertools import repeat
from time import perf_counter_ns
from typing import Any, Final

from benchmarks.frameworks.stage import App
from benchmarks.timing import Timer, timer_of

_HEADERS: Final = {
    "host": "api.example.org",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "accept": "application/json",
    "accept-language": "en-GB,en;q=0.7",
    "accept-encoding": "gzip, deflate, br, zstd",
    "connection": "keep-alive",
}


def _headers(token: str) -> dict[str, str]:
    return {**_HEADERS, "authorization": f"Bearer {token}"} if token else dict(_HEADERS)


def _scope(token: str) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/me",
        "raw_path": b"/me",
        "query_string": b"",
        "root_path": "",
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8000),
        "headers": [(name.encode(), value.encode()) for name, value in _headers(token).items()],
    }


def _environ(token: str) -> dict[str, Any]:
    headers = {
        f"HTTP_{name.upper().replace('-', '_')}": value for name, value in _headers(token).items()
    }
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/me",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **headers,
    }


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


def asgi_timer(app: App, runner: asyncio.Runner) -> Timer:
    """A timer whose loop runs inside the event loop."""
    scope = _scope(app.token)

    async def send(_: Any) -> None:
        """Take what a server would write."""

    async def loop(loops: int) -> float:
        call = app.call
        started = perf_counter_ns()
        for _ in repeat(None, loops):
            await call(scope.copy(), _receive, send)
        return (perf_counter_ns() - started) / loops

    return lambda loops: runner.run(loop(loops))


def wsgi_timer(app: App) -> Timer:
    """A timer around one request and its whole answer."""
    environ, call = _environ(app.token), app.call

    def start_response(*_: Any) -> None:
        """Take what a server would write."""

    def request() -> None:
        answer = call(environ.copy(), start_response)
        b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()

    return timer_of(request)


def require_guarded(app: App, runner: asyncio.Runner) -> None:
    """Refuse to measure an application that does not do its work."""
    assert _status(app, app.token, runner) == 200
    if not app.is_open:
        assert _status(app, "", runner) in {401, 403}
        assert _status(app, app.token[:-4] + "AAAA", runner) in {401, 403, 422}


def _status(app: App, token: str, runner: asyncio.Runner) -> int:
    found: list[int] = []
    if app.is_asgi:

        async def send(message: Any) -> None:
            if "status" in message:
                found.append(message["status"])

        runner.run(app.call(_scope(token), _receive, send))
        return found[0]
    answer = app.call(_environ(token), lambda status, *_: found.append(int(status[:3])))
    b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    return found[0]
