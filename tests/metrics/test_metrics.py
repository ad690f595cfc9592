"""The numbers of managers, verifiers, stores, replicas and keys."""

import asyncio
import inspect
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from gatepass import AsyncTokenManager, TokenManager, TokenPolicy, TokenVerifier
from gatepass.errors import StoreUnavailable
from gatepass.events import Event
from gatepass.jose import SharedKey
from gatepass.keyfile import FileKeySource, KeyFile
from gatepass.metrics import Metrics
from gatepass.metrics.timed import OPERATIONS
from gatepass.revocations import replica_of
from gatepass.sessions import Store
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from gatepass.stores.sql import SqlStore
from tests.budget import PATIENCE_S
from tests.keyfile.steps import NOW, first, keep
from tests.metrics.scraped import Samples, counted, samples_of
from tests.project.files import ROOT
from tests.twins import Driven

KEYS: dict[str, Any] = {"access_keys": SharedKey.generate(), "refresh_keys": SharedKey.generate()}
NAMES: dict[str, Any] = {"issuer": "api-server", "audience": "api-client"}
POLICY = TokenPolicy(**NAMES)
REPLICA = "gatepass_replica_read_timestamp_seconds"


_PROCESS = """
from gatepass import TokenManager, TokenPolicy
from gatepass.jose import SharedKey
from gatepass.metrics import Metrics
from gatepass.stores.memory import MemoryStore

metrics = Metrics()
manager = TokenManager(
    TokenPolicy(issuer="api-server", audience="api-client"),
    access_keys=SharedKey.generate(),
    refresh_keys=SharedKey.generate(),
    store=metrics.timed(MemoryStore()),
)
metrics.follow(manager)
manager.subject_epoch("ada")
print(metrics.text().decode())
"""


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    with closing(asyncio.new_event_loop()) as loop:
        yield loop


def samples(metrics: Metrics) -> Samples:
    return samples_of(metrics.text().decode())


@pytest.mark.parametrize("twin", ["sync", "async"])
def test_operations_are_timed_and_failures_counted_but_no_lookup_of_verify(
    metrics: Metrics, loop: asyncio.AbstractEventLoop, twin: str
) -> None:
    manager: Any
    if twin == "sync":
        store: Any = MemoryStore()
        manager = TokenManager(POLICY, **KEYS, store=metrics.timed(store))
    else:
        store = AsyncMemoryStore()
        manager = Driven(AsyncTokenManager(POLICY, **KEYS, store=metrics.timed(store)), loop)
    pair = manager.refresh(manager.issue("ada").refresh_token)
    manager.verify(pair.access_token)
    assert manager.verify(pair.access_token).subject == "ada"
    assert manager.revoke_subject("ada") == 1
    manager.close()
    with pytest.raises(StoreUnavailable):
        manager.issue("ada")

    found = samples(metrics)
    assert counted(found, "gatepass_store_seconds_count") == {
        "issue": 2,
        "rotate": 1,
        "revoke_subject": 1,
    }
    assert counted(found, "gatepass_store_failures_total") == {"issue": 1}
    asked = manager.driven if twin == "async" else manager
    assert asked._is_revoked == store.is_revoked


def test_events_are_counted_before_the_hook_of_the_application_hears_of_them(
    metrics: Metrics, loop: asyncio.AbstractEventLoop
) -> None:
    heard: list[tuple[str, float]] = []

    def hear(event: Event) -> None:
        heard.append((event.kind, samples(metrics)["gatepass_events_total", event.kind]))

    async def hear_later(event: Event) -> None:
        await asyncio.sleep(0)
        hear(event)

    plain = TokenManager(POLICY, **KEYS, store=MemoryStore(), on_event=metrics.counting(hear))
    awaited: Any = AsyncTokenManager(
        POLICY, **KEYS, store=AsyncMemoryStore(), on_event=metrics.counting(hear_later)
    )
    for manager in (plain, Driven(awaited, loop)):
        manager.refresh(manager.issue("ada").refresh_token)
        manager.revoke_subject("ada")

    kinds = ("logged_in", "refreshed", "subject_revoked")
    assert heard == [(kind, count) for count in (1, 2) for kind in kinds]


def test_every_operation_of_a_store_is_timed_or_a_lookup_of_verify() -> None:
    operations = {name for name, _ in inspect.getmembers(Store, inspect.isfunction)}

    assert operations - set(OPERATIONS) - {"__init__", "__subclasshook__", "close"} == {
        "is_revoked",
        "find_opaque",
    }


def test_a_series_is_there_before_its_first_event_and_a_gauge_only_where_it_has_a_source(
    metrics: Metrics,
) -> None:
    metrics.follow(TokenManager(POLICY, **KEYS, store=MemoryStore()))
    found = samples(metrics)

    assert found["gatepass_rejections_total", "rate_limited"] == 0
    assert found["gatepass_events_total", "refresh_reused"] == 0
    assert found["gatepass_store_failures_total", "rotate"] == 0
    assert found["gatepass_watched_connections", ""] == 0
    assert not {name for name, _ in found if name.endswith("_timestamp_seconds")}


def test_watched_connections_of_all_managers_are_shown_while_they_are_open(
    metrics: Metrics,
) -> None:
    managers = [TokenManager(POLICY, **KEYS, store=MemoryStore()) for _ in range(2)]
    for manager in managers:
        metrics.follow(manager)
        metrics.follow(manager)
        claims = manager.verify(manager.issue("ada").access_token)
        with manager.watch(claims, lambda _: None):
            assert samples(metrics)["gatepass_watched_connections", ""] == 1
        assert samples(metrics)["gatepass_watched_connections", ""] == 0


def test_a_replica_shows_when_it_was_complete_and_0_before_it_was_read(
    metrics: Metrics, tmp_path: Path
) -> None:
    with closing(SqlStore.from_url(f"sqlite:///{tmp_path}/gate.db")) as store:
        store.upgrade()
        replica = replica_of(store)
        metrics.follow(TokenVerifier(KEYS["access_keys"], revocations=replica, **NAMES))
        assert samples(metrics)[REPLICA, ""] == 0

        before = time.time()
        assert replica.fresh()
        assert before <= samples(metrics)[REPLICA, ""] <= time.time()


def test_a_key_file_shows_since_when_its_key_signs(metrics: Metrics, tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json")
    keep(file, first())
    keys = {**KEYS, "access_keys": FileKeySource(tmp_path / "keys.json")}
    metrics.follow(TokenManager(POLICY, **keys, store=MemoryStore()))

    assert samples(metrics)["gatepass_key_promoted_timestamp_seconds", ""] == NOW


def test_processes_of_an_application_are_shown_as_one(tmp_path: Path) -> None:
    shared = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    outputs = [
        subprocess.run(
            [sys.executable, "-c", _PROCESS],
            cwd=ROOT,
            env=shared,
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE_S,
        ).stdout
        for _ in range(2)
    ]

    for number, text in enumerate(outputs, start=1):
        found = samples_of(text)
        assert counted(found, "gatepass_store_seconds_count") == {"subject_epoch": number}
        assert found["gatepass_watched_connections", ""] == 0


def test_two_of_them_are_not_in_one_registry() -> None:
    registry = CollectorRegistry()
    Metrics(registry)

    with pytest.raises(ValueError, match="Duplicated timeseries"):
        Metrics(registry)
