"""What the application offers beside log-ins."""

import asyncio
import logging
import re
from dataclasses import replace
from importlib.metadata import version

import httpx
import pytest
import structlog

from gatepass.server.app import make_app
from gatepass.server.logs import configure_logs
from gatepass.server.scraping import make_metrics
from tests.budget import PATIENCE_S
from tests.server.world import PASSWORD, World

pytestmark = pytest.mark.anyio


async def test_health_needs_no_token(world: World) -> None:
    response = await world.client.get("/healthz")

    assert (response.status_code, response.content) == (200, b'{"status":"ok"}')


async def test_the_interactive_page_loads_nothing_from_elsewhere(world: World) -> None:
    page = (await world.client.get("/docs")).text
    loaded = [*re.findall(r"""(?:src|href)=["']([^"']+)""", page)]
    statuses = [(await world.client.get(path)).status_code for path in loaded]

    assert any(path.endswith(".js") for path in loaded)
    assert set(statuses) == {200}
    assert "://" not in page


async def test_the_pages_work_below_the_prefix_of_a_proxy_and_in_no_frame(world: World) -> None:
    docs = await world.client.get("/docs")
    document = (await world.client.get("/openapi.json")).json()
    start = (await world.client.get("/")).json()
    links = re.findall(r"""(?:src=|href=|url: )["']([^"']+)""", docs.text)

    assert [link for link in links if link.startswith(("/", "."))] == []
    assert "openapi.json" in links
    assert document["servers"] == [{"url": "."}]
    assert docs.headers["content-security-policy"] == "frame-ancestors 'none'"
    assert start == {"service": "gatepass", "keys": ".well-known/jwks.json", "docs": "docs"}


async def test_the_interactive_page_can_be_turned_off(made: World) -> None:
    app = make_app(replace(made.parts, has_docs=False))
    async with made.client_at(app, "198.51.100.7") as client:
        start = (await client.get("/")).json()
        gone = [
            (await client.get(path)).status_code
            for path in ("/docs", "/openapi.json", "/static-offline-docs/swagger-ui.css")
        ]

    assert start == {"service": "gatepass", "keys": ".well-known/jwks.json"}
    assert gone == [404] * 3


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/openapi.json", "/healthz", "/readyz", "/.well-known/jwks.json"]
)
async def test_head_is_answered_as_get_is(world: World, path: str) -> None:
    got, headed = await world.client.get(path), await world.client.head(path)

    assert got.status_code == headed.status_code == 200
    assert headed.headers == got.headers


async def test_the_document_names_the_program_and_describes_every_route(world: World) -> None:
    document = (await world.client.get("/openapi.json")).json()
    operations = {
        path: found for path, each in document["paths"].items() for found in each.values()
    }

    assert document["info"]["version"] == version("gatepass")
    assert "Authorize" in document["info"]["description"]
    assert {tag["name"] for tag in document["tags"]} == {"auth", "health"}
    assert "/readyz" in operations
    for path, operation in operations.items():
        assert len(operation["summary"].split()) > 3, path
        assert operation["description"], path
        content = operation["responses"].get("200", {}).get("content", {})
        assert all("example" in body or "examples" in body for body in content.values()), path


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/", 405, "method_not_allowed"),
        ("GET", "/auth/nothing", 404, "not_found"),
        ("POST", "/docs/x", 404, "not_found"),
        ("GET", "/static-offline-docs/../x", 404, "not_found"),
        ("GET", "/auth/login", 405, "method_not_allowed"),
        ("DELETE", "/auth/me", 405, "method_not_allowed"),
        ("TRACE", "/healthz", 405, "method_not_allowed"),
    ],
)
async def test_what_no_route_answers_is_answered_as_json(
    world: World, method: str, path: str, status: int, code: str
) -> None:
    answer = await world.client.request(method, path)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/json"
    assert ("allow" in answer.headers) is (status == 405)


async def test_a_fault_of_ours_is_answered_as_json_and_says_nothing(made: World) -> None:
    def fail(subject: str, password: str) -> None:
        raise RuntimeError(f"{subject} {password}")

    made.parts.accounts.check_password = fail  # type: ignore[method-assign]
    app = make_app(made.parts)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gate.example") as client:
        answer = await client.post("/auth/login", json={"username": "ada", "password": PASSWORD})

    assert (answer.status_code, answer.json()) == (
        500,
        {"error": "Internal error", "code": "internal_error"},
    )


async def test_a_background_task_that_failed_does_not_stop_an_orderly_end(
    made: World, capfd: pytest.CaptureFixture[str]
) -> None:
    metrics, has_failed = make_metrics(), asyncio.Event()

    def fail() -> None:
        has_failed.set()
        raise RuntimeError("unforeseen")

    metrics.update = fail  # type: ignore[method-assign]
    async with replace(made, parts=replace(made.parts, metrics=metrics)).serve() as world:
        await asyncio.wait_for(has_failed.wait(), PATIENCE_S)
        await world.pair()

    assert [str(event.kind) for event in made.events()] == ["logged_in"]
    said = capfd.readouterr()
    assert "a background task failed" in said.out + said.err


def fail(kept: str) -> float:
    """Fail with a secret in a local variable."""
    return len(kept) / 0


async def test_log_lines_show_no_token_of_an_address_and_no_local_variables(
    capsys: pytest.CaptureFixture[str],
) -> None:
    handlers, level = logging.root.handlers[:], logging.root.level
    access = logging.getLogger("uvicorn.access")
    made_up = "hidden-2"
    try:
        configure_logs(as_json=False)
        arguments = ("198.51.100.7:4", "GET", "/auth/me?token=hidden-1", "1.1", 200)
        access.info('%s - "%s %s HTTP/%s" %d', *arguments)
        misplaced = f"/auth/sessions/{'hidden-3' * 3}.{'hidden-4' * 3}.{'hidden-5' * 5}"
        access.info('%s - "%s %s HTTP/%s" %d', arguments[0], "DELETE", misplaced, "1.1", 401)
        for method, path in (
            ("GET", "/auth/sessions/hidden-6aaaaaaaaaaaaaaaaa/x"),
            ("GET", "/hidden-7-aaaaaaaaaaaaaaa.json"),
            ("HIDDEN-8-AAAA", "/a"),
        ):
            access.info('%s - "%s %s HTTP/%s" %d', arguments[0], method, path, "1.1", 404)
        try:
            fail(made_up)
        except ZeroDivisionError:
            structlog.stdlib.get_logger("test").exception("failed")
    finally:
        logging.basicConfig(handlers=handlers, level=level, force=True)
        access.filters.clear()
        structlog.reset_defaults()

    shown = capsys.readouterr().err
    assert '"GET /auth/me HTTP/1.1" 200' in shown
    assert '"DELETE /auth/sessions/(hidden) HTTP/1.1" 401' in shown
    assert '"GET /auth/sessions/(hidden)/x HTTP/1.1" 404' in shown
    assert '"(unknown) /a HTTP/1.1" 404' in shown
    assert "Traceback" in shown
    assert "hidden-" not in shown.lower()
