"""`GET /metrics` on a port of its own: the numbers of this process, or of all workers together.

1. Workers write into a directory that the supervisor makes, and the supervisor answers.
2. Each worker writes under the number of its slot. Its successor goes on with its counts, so the
   number of files does not grow with the number of workers that have ended.
3. A worker that has ended is left out of the gauges at once.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    disable_created_metrics,
    start_http_server,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from gatepass.errors import SettingsRejected
from gatepass.metrics import Metrics

_DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"
_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Scraped:
    """The address at which Prometheus finds the metrics."""

    host: str
    port: int


def make_metrics() -> Metrics:
    """The metrics of gatepass in this process, and no others."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # one more for each that counts
    return Metrics(CollectorRegistry())


async def update_for_ever(metrics: Metrics) -> None:
    """Read the gauges of this process every second; the supervisor cannot."""
    while True:
        metrics.update()
        await asyncio.sleep(_EVERY_S)


class WorkersMetrics:
    """The supervisor's side: the sum of its workers, and how many it replaced."""

    def __init__(self, directory: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._directory = directory
        self.registry = CollectorRegistry()
        MultiProcessCollector(self.registry, directory)  # type: ignore[no-untyped-call]
        text = "Workers that ended by themselves, so that another one was started."
        self._replaced = Counter("gatepass_workers_replaced", text, registry=self.registry)

    def replaced(self, slot: int) -> None:
        """Note that the worker of this slot has ended."""
        mark_process_dead(slot, self._directory)  # type: ignore[no-untyped-call]
        self._replaced.inc()


def write_as(slot: int) -> None:
    """Have the metrics of this worker under its slot."""
    values.ValueClass = values.MultiProcessValue(lambda: slot)  # type: ignore[no-untyped-call]


@contextmanager
def metrics_of_process(scraped: Scraped) -> Iterator[Metrics]:
    """Metrics of this process, which a thread shows until the block is left."""
    metrics = make_metrics()
    with _answering(scraped, metrics.registry):
        yield metrics


@contextmanager
def sum_of_workers(scraped: Scraped) -> Iterator[WorkersMetrics]:
    """The sum over workers that are started in the block, which a thread shows meanwhile."""
    with TemporaryDirectory(prefix="gatepass-metrics-") as directory:
        metrics = WorkersMetrics(directory)
        os.environ[_DIRECTORY] = directory  # for the workers
        with _answering(scraped, metrics.registry):
            yield metrics


@contextmanager
def _answering(scraped: Scraped, registry: CollectorRegistry) -> Iterator[None]:
    """Answer scrapes in a thread.

    Raises:
        SettingsRejected: The address or the port cannot be used.
    """
    try:
        server, thread = start_http_server(scraped.port, scraped.host, registry)
    except (OSError, OverflowError) as error:
        where = f"port {scraped.port} of {scraped.host}"
        cure = "choose others with --metrics-host and --metrics-port"
        raise SettingsRejected(f"{where} cannot be used for metrics: {cure}") from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
