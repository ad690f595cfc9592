"""An application under test as its operators see it: its metrics, and a span for each request."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

from gatepass.asgi import AsgiApp, Receive, Scope, Send
from gatepass.metrics import Metrics
from tests.web.apps.parts import keep

METRICS = Metrics()
METRICS_PATH = "/metrics"
SPANS = "spans.log"
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

hook = METRICS.counting(keep)


class Written(SpanExporter):
    """Writes spans into a file beside the program's log, but for their random ids."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with Path(SPANS).open("a") as file:
            for span in spans:
                events = [(event.name, dict(event.attributes or {})) for event in span.events]
                told = (span.name, dict(span.attributes or {}), events, span.status.description)
                file.write(f"{told}\n")
        return SpanExportResult.SUCCESS


_provider = TracerProvider()
_provider.add_span_processor(SimpleSpanProcessor(Written()))
_tracer = _provider.get_tracer("tests")


def observed(app: Any) -> AsgiApp:
    """The ASGI application, in spans, with a route for its metrics."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
        elif scope["path"] == METRICS_PATH:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": METRICS.text()})
        else:
            with _tracer.start_as_current_span("request"):
                await app(scope, receive, send)

    return answer


def observed_wsgi(app: Any) -> WsgiApp:
    """`observed` for WSGI."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == METRICS_PATH:
            start_response("200 OK", [])
            return [METRICS.text()]
        with _tracer.start_as_current_span("request"):
            answered: Iterable[bytes] = app(environ, start_response)
            return answered

    return answer
