"""`Metrics`: the numbers of one process, or its share of those of several processes.

1. Labels are closed sets from this code. No text of a request becomes one.
2. Nothing runs while a token is verified. Rejections are counted where they are answered.
3. A gauge of time is the moment itself (`time() - …` in Prometheus is the age), so that the age
   grows while a process hangs.
"""

import os
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar, cast

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from gatepass.events import Event, EventKind
from gatepass.gate import AnyAuth, AnyManager, CommonAuth
from gatepass.http.problems import INTERNAL_ERROR, METHOD_NOT_ALLOWED, NOT_FOUND, PROBLEMS
from gatepass.metrics.timed import OPERATIONS, Timed

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
"""The `Content-Type` of `Metrics.text`."""
_SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"
_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_READ: Final = "gatepass_replica_read_timestamp_seconds"
_LOSSES: Final = "gatepass_replica_losses"
_WATCHED: Final = "gatepass_watched_connections"
_PROMOTED: Final = "gatepass_key_promoted_timestamp_seconds"
_GAUGES: Final[dict[str, tuple[Any, Any, str]]] = {
    _READ: (min, "livemin", "When the copy of the revocation log was last complete, since 1970."),
    _LOSSES: (max, "livemax", "How often the store was seen to have lost revocations."),
    _WATCHED: (sum, "livesum", "Open connections that end with their session."),
    _PROMOTED: (min, "livemin", "Since when the key of access tokens signs, since 1970."),
}
"""The value of several sources, the same of several processes, and the text."""
_NOT_OURS: Final = (NOT_FOUND, METHOD_NOT_ALLOWED, INTERNAL_ERROR)
"""Answers of `gatepass serve` that reject no caller."""
_S = TypeVar("_S")


class Metrics:
    """Counts for Prometheus. Make one in each process, before its manager and `Auth`.

    In an application of several processes set `PROMETHEUS_MULTIPROC_DIR` as prometheus-client
    wants it, and call `update` in each of them every few seconds.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        """Register the metrics; by default where every exporter of prometheus-client finds them.

        Raises:
            ValueError: The registry has metrics of gatepass already.
        """
        self.registry: Final = registry
        self._gauges: dict[str, tuple[Gauge, dict[int, Callable[[], float]]]] = {}
        registry.register(_Current(self))  # before all gauges: a scrape asks in this order
        text = "Logins, refreshes, logouts and other events, by kind."
        self._events = Counter("gatepass_events", text, ["kind"], registry=registry)
        text = "Requests that were rejected, by the code in the answer."
        self._rejections = Counter("gatepass_rejections", text, ["code"], registry=registry)
        text = "Operations that the store did not do or did not confirm."
        self._failures = Counter("gatepass_store_failures", text, ["operation"], registry=registry)
        self._seconds = Histogram(
            "gatepass_store_seconds",
            "Time of the store's operations, failed ones included.",
            ["operation"],
            buckets=_BUCKETS,
            registry=registry,
        )
        # A series that begins with its first event hides that event from `rate`.
        for kind in EventKind:
            self._events.labels(kind)
        for problem in PROBLEMS:
            if problem not in _NOT_OURS:
                self._rejections.labels(problem.code)
        for operation in OPERATIONS:
            self._failures.labels(operation)

    def timed(self, store: _S) -> _S:
        """The same store for a manager, with its operations counted and timed.

        Lookups while a token is verified are not. Give replicas the store itself.
        """
        return cast("_S", Timed(store, self._seconds, self._failures))

    def counting(self, hook: Callable[[Event], object] | None = None) -> Callable[[Event], object]:
        """The `on_event` of a manager: counts each event, then calls your own hook if there is one.

        For an async manager it may be a coroutine function.
        """

        def count(event: Event) -> object:
            self._events.labels(event.kind).inc()
            return None if hook is None else hook(event)

        return count

    def follow(self, source: AnyAuth | AnyManager) -> None:
        """Show the replica, the watched connections and the key of an `Auth`, manager or verifier.

        Of an `Auth` also count the requests that it rejects.
        """
        asks: Any = source
        if isinstance(source, CommonAuth):
            source.on_rejection = self._reject
            asks = source._verifies  # noqa: SLF001 - its manager or verifier
        revocations: Any = asks._source()[1]  # noqa: SLF001 - managers and verifiers share it
        keys: Any = getattr(asks, "access_keys", None)
        if hasattr(revocations, "status"):
            self._show(_READ, revocations, lambda: time.time() - revocations.status().age)
            self._show(_LOSSES, revocations, lambda: revocations.status().losses)
        if hasattr(revocations, "watches"):
            self._show(_WATCHED, revocations.watches, lambda: len(revocations.watches))
        if hasattr(keys, "promoted_at"):
            self._show(_PROMOTED, keys, lambda: keys.promoted_at)

    def update(self) -> None:
        """Read the gauges; a scrape does so in its own process."""
        for name, (gauge, reads) in list(self._gauges.items()):
            combine = _GAUGES[name][0]
            gauge.set(max(combine(read() for read in list(reads.values())), 0))

    def text(self) -> bytes:
        """The answer to a scrape, for a route of your own; its type is `CONTENT_TYPE`.

        It has everything in the registry, or in the directory of several processes.
        """
        if _SHARED not in os.environ:
            return generate_latest(self.registry)
        self.update()
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return generate_latest(shared)

    def _reject(self, code: str) -> None:
        self._rejections.labels(code).inc()

    def _show(self, name: str, source: object, read: Callable[[], float]) -> None:
        """Show a source, once for however many managers and `Auth`s have it."""
        if name not in self._gauges:
            _, mode, text = _GAUGES[name]
            self._gauges[name] = (
                Gauge(name, text, registry=self.registry, multiprocess_mode=mode),
                {},
            )
        self._gauges[name][1][id(source)] = read


class _Current(Collector):
    """Has the gauges read at each scrape; has no metrics itself."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def describe(self) -> Iterable[Any]:
        return ()

    def collect(self) -> Iterable[Any]:
        self._metrics.update()
        return ()
