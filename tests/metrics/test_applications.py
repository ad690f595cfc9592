"""Rejections in applications: each is counted once, and marks the trace it is in."""

import asyncio
import json
from collections.abc import Callable
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Response
from flask import Flask
from flask import Response as FlaskResponse
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from gatepass import AccessClaims, AsyncTokenManager, TokenManager, TokenPolicy
from gatepass.events import EventKind
from gatepass.fastapi import Auth, Identity
from gatepass.flask import Auth as FlaskAuth
from gatepass.http.problems import PROBLEMS
from gatepass.jose import SharedKey
from gatepass.metrics import CONTENT_TYPE, Metrics
from gatepass.metrics.timed import OPERATIONS
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from tests.metrics.scraped import counted, samples_of

ACCESS, REFRESH = "vT4mQ8xZ2pLw7RkJ9sYcD3fHbN6gUe1a", "Kq5WzX1rB8nEo3TjM7uPyV2hGdS9cLf6"
KEYS: dict[str, Any] = {
    "access_keys": SharedKey.from_secret(ACCESS),
    "refresh_keys": SharedKey.from_secret(REFRESH),
}
POLICY = TokenPolicy(issuer="api-server", audience="api-client", rotation_leeway=0)
PASSWORD, WRONG = "a password that ada knows", "a password of nobody"
USER, NOBODY, FORGED = "ada-lovelace", "grace-hopper", "eyJhbGciOiJub25lIn0.e30.forged"
Headers = dict[str, str]
Ask = Callable[[str, str, Headers, Any], tuple[int, str]]


def authenticate(username: str, password: str) -> Identity | None:
    role = {"role": "operator"}
    return Identity("user-1815", role) if (username, password) == (USER, PASSWORD) else None


def in_fastapi(metrics: Metrics) -> Any:
    store, on_event = metrics.timed(AsyncMemoryStore()), metrics.counting()
    manager = AsyncTokenManager(POLICY, **KEYS, store=store, on_event=on_event)
    auth = Auth(manager, authenticate=authenticate)
    app = FastAPI()
    auth.install(app)
    metrics.follow(auth)

    @app.get("/private")
    async def private(claims: Annotated[AccessClaims, Depends(auth.required())]) -> str:
        return claims.subject

    @app.get("/metrics", dependencies=[Depends(auth.required(roles=["operator"]))])
    async def scrape() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    return app


def in_flask(metrics: Metrics) -> Any:
    store, on_event = metrics.timed(MemoryStore()), metrics.counting()
    manager = TokenManager(POLICY, **KEYS, store=store, on_event=on_event)
    auth = FlaskAuth(manager, authenticate=authenticate)
    app = Flask(__name__)
    auth.init_app(app)
    metrics.follow(auth)

    @app.get("/private")
    @auth.required()
    def private() -> Any:
        return json.dumps(auth.claims.subject)

    @app.get("/metrics")
    @auth.required(roles=["operator"])
    def scrape() -> FlaskResponse:
        return FlaskResponse(metrics.text(), content_type=CONTENT_TYPE)

    return app


def asking_fastapi(app: FastAPI) -> Ask:
    async def ask(method: str, path: str, headers: Headers, fields: Any) -> tuple[int, str]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gate.test") as client:
            answer = await client.request(method, path, headers=headers, json=fields)
            return answer.status_code, answer.text

    return lambda *request: asyncio.run(ask(*request))


def asking_flask(app: Flask) -> Ask:
    def ask(method: str, path: str, headers: Headers, fields: Any) -> tuple[int, str]:
        answer = app.test_client().open(path, method=method, headers=headers, json=fields)
        return answer.status_code, answer.text

    return ask


@pytest.mark.parametrize(
    ("make", "asking"),
    [(in_fastapi, asking_fastapi), (in_flask, asking_flask)],
    ids=["fastapi", "flask"],
)
def test_each_rejection_is_counted_once_and_marks_its_span_and_neither_holds_a_secret(
    make: Callable[[Metrics], Any], asking: Callable[[Any], Ask]
) -> None:
    ask = asking(make(Metrics(CollectorRegistry())))
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    tracer = provider.get_tracer("test")
    outcomes: list[str | None] = []

    def traced(method: str, path: str, token: str = "", **fields: str) -> Any:
        with tracer.start_as_current_span("request"):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            status, text = ask(method, path, headers, fields or None)
        outcomes.append(json.loads(text)["code"] if status >= 400 else None)
        return json.loads(text) if path != "/metrics" else text

    for name, password in ((USER, WRONG), (NOBODY, PASSWORD)):
        traced("POST", "/auth/login", username=name, password=password)
    pair = traced("POST", "/auth/login", username=USER, password=PASSWORD)
    for token in ("", FORGED, pair["access_token"]):
        traced("GET", "/private", token)
        traced("GET", "/auth/me", token)
    next_pair = traced("POST", "/auth/refresh", refresh_token=pair["refresh_token"])
    shown = traced("GET", "/metrics", next_pair["access_token"])
    traced("GET", "/metrics")
    traced("POST", "/auth/refresh", refresh_token=pair["refresh_token"])
    traced("GET", "/private", next_pair["access_token"])

    rejected = [
        *("invalid_credentials", "invalid_credentials", None),
        *("token_missing", "token_missing", "token_invalid", "token_invalid", None, None),
        *(None, None, "token_missing", "refresh_reused", "token_revoked"),
    ]
    assert outcomes == rejected
    found = samples_of(shown)
    assert counted(found, "gatepass_rejections_total") == {
        "invalid_credentials": 2,
        "token_missing": 2,
        "token_invalid": 2,
    }
    assert counted(found, "gatepass_events_total") == {
        "logged_in": 1,
        "login_failed": 2,
        "refreshed": 1,
    }
    assert counted(found, "gatepass_store_seconds_count") == {
        "issue": 1,
        "rotate": 1,
        "subject_epoch": 1,
        "take": 3,
    }
    closed = {"", *OPERATIONS, *EventKind, *(each.code for each in PROBLEMS)}
    assert {label for _, label in found} <= closed
    finished = spans.get_finished_spans()
    requests = [span for span in finished if span.name == "request"]
    assert [(span.attributes or {}).get("gatepass.outcome") for span in requests] == rejected
    tokens = [
        each[kind] for each in (pair, next_pair) for kind in ("access_token", "refresh_token")
    ]
    held = [*tokens, ACCESS, REFRESH, PASSWORD, WRONG, USER, NOBODY, FORGED, "user-1815"]
    for text in (shown, *(span.to_json() for span in finished)):
        assert [each for each in held if each in text] == []
