"""Watches what a test's traffic holds, and finds out whether any of it came out elsewhere."""

import json
import logging
import traceback
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from fastapi import FastAPI, Request, Response

_SECRET_FIELDS = (
    *("password", "current_password", "new_password"),
    *("access_token", "refresh_token"),
)
_SHORTEST = 8
"""Shorter texts occur by chance; a test that must watch one makes it longer."""


class Leaks:
    """The secrets that a test used, and every text that was not meant to hold one."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._texts: list[tuple[str, str]] = []

    def watch(self, *secrets: str | None) -> None:
        """Remember secrets; of a token also its signature, which alone completes it."""
        for secret in secrets:
            for text in {secret or "", (secret or "").rpartition(".")[2]}:
                if len(text) >= _SHORTEST:
                    self._secrets.add(text)

    def read(self, place: str, text: str) -> None:
        """Remember a text that must not hold a secret."""
        self._texts.append((place, text))

    def read_exception(self, error: BaseException) -> None:
        """Remember an exception as a log line or an error tracker would show it."""
        self.read("traceback", "".join(traceback.format_exception(error)))
        seen: set[int] = set()
        pending: list[BaseException | None] = [error]
        while pending:
            current = pending.pop()
            if current is not None and id(current) not in seen:
                seen.add(id(current))
                text = f"{current!r} {current.args!r} {vars(current)!r}"
                self.read(f"exception {type(current).__name__}", text)
                pending += [current.__cause__, current.__context__]

    def found(self) -> list[str]:
        """Where a secret came out; the places only, so that this does not leak either."""
        return [
            place for place, text in self._texts if any(secret in text for secret in self._secrets)
        ]

    def hooks(self) -> dict[str, list[Any]]:
        """Event hooks of an `httpx.AsyncClient` that watch what it sends and receives."""

        async def on_request(request: httpx.Request) -> None:
            for value in request.headers.get_list("authorization"):
                self.watch(value.rpartition(" ")[2])
            self.watch(*(value for _, value in request.url.params.multi_items()))
            for fields in _objects(request.content):
                self.watch(*(fields.get(name) for name in _SECRET_FIELDS))

        async def on_response(response: httpx.Response) -> None:
            await response.aread()
            self.read(f"headers of {response.status_code}", repr(response.headers.raw))
            tokens = [
                fields[name]
                for fields in _objects(response.content)
                for name in _SECRET_FIELDS
                if name in fields
            ]
            self.watch(*tokens)
            if not tokens:
                self.read(f"body of {response.status_code}", response.text)

        return {"request": [on_request], "response": [on_response]}

    def watch_exceptions(self, app: FastAPI) -> None:
        """Read every exception that the application's handlers answer."""

        def reading(handler: Any) -> Any:
            async def handle(request: Request, error: Exception) -> Response:
                self.read_exception(error)
                response: Response = await handler(request, error)
                return response

            return handle

        app.exception_handlers = {
            kind: reading(handler) for kind, handler in app.exception_handlers.items()
        }


def _objects(content: bytes) -> Iterator[Mapping[str, str]]:
    """The body as JSON object or as form, where it is one."""
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError):
        fields = dict(parse_qsl(content.decode(errors="replace")))
    if isinstance(fields, dict):
        yield {name: value for name, value in fields.items() if isinstance(value, str)}


def watching(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Iterator[Leaks]:
    """The body of an autouse fixture: fails the test whose output or logs hold a secret."""
    caplog.set_level(logging.DEBUG)
    leaks = Leaks()
    yield leaks
    output = capfd.readouterr()
    leaks.read("standard output", output.out)
    leaks.read("standard error", output.err)
    formatter = logging.Formatter("%(name)s %(message)s")
    for record in [*caplog.get_records("setup"), *caplog.get_records("call")]:
        if not record.name.startswith(("httpx", "httpcore")):  # the test's own client
            leaks.read(f"log of {record.name}", f"{formatter.format(record)} {vars(record)!r}")

    assert leaks.found() == []
