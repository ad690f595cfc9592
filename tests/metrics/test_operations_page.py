"""docs/operations.md: its table and its alerts name what the code has, and nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, Metric

from gatepass import TokenManager, TokenPolicy
from gatepass.events import EventKind
from gatepass.http.problems import PROBLEMS
from gatepass.jose import SharedKey
from gatepass.keyfile import FileKeySource, KeyFile
from gatepass.metrics import Metrics
from gatepass.metrics.timed import OPERATIONS
from gatepass.revocations import replica_of
from gatepass.server.scraping import WorkersMetrics
from gatepass.stores.sql import SqlStore
from tests.keyfile.steps import first, keep
from tests.project.documents import parse_blocks
from tests.project.files import ROOT

PAGE = ROOT / "docs" / "operations.md"
LABELS: dict[str, set[str]] = {
    "code": {problem.code for problem in PROBLEMS},
    "kind": {*EventKind},
    "operation": set(OPERATIONS),
}
_SERIES = re.compile(r"gatepass_\w+")
_MATCHER = re.compile(r'(\w+)=~?"([^"]*)"')


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[list[Metric]]:
    """Every metric that there is."""
    keep(KeyFile(tmp_path / "keys.json"), first())
    metrics = Metrics(CollectorRegistry())
    store = SqlStore.from_url(f"sqlite:///{tmp_path}/gate.db")
    manager = TokenManager(
        TokenPolicy(issuer="api-server", audience="api-client"),
        access_keys=FileKeySource(tmp_path / "keys.json"),
        refresh_keys=SharedKey.generate(),
        store=store,
        revocations=replica_of(store),
    )
    with manager:
        metrics.follow(manager)
        workers = WorkersMetrics(str(tmp_path)).registry
        yield [*metrics.registry.collect(), *workers.collect()]


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    [block] = [block for block in parse_blocks(PAGE) if block.language == "yaml"]
    [group] = yaml.safe_load(block.text)["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def test_the_table_has_every_metric_and_there_are_ten_at_most(shown: list[Metric]) -> None:
    rows = re.findall(r"^\| `(gatepass_\w+)` \| (?:`(\w+)`)? *\|", PAGE.read_text(), re.MULTILINE)
    kinds = {metric.name: "_total" if metric.type == "counter" else "" for metric in shown}
    labels = {
        metric.name + kinds[metric.name]: "".join(
            {label for sample in metric.samples for label in sample.labels} - {"le"}
        )
        for metric in shown
    }

    assert len(rows) <= 10
    assert {name for name, _ in rows} == labels.keys()
    assert {name: label for name, label in rows if labels[name]} == {
        name: label for name, label in labels.items() if label
    }


def test_the_alerts_are_of_series_and_labels_that_exist(
    shown: list[Metric], rules: list[dict[str, Any]]
) -> None:
    series = {sample.name for metric in shown for sample in metric.samples}
    series.add("gatepass_store_seconds_bucket")  # of operations that were called

    for rule in rules:
        assert set(_SERIES.findall(rule["expr"])) <= series, rule["alert"]
        for label, values in _MATCHER.findall(rule["expr"]):
            assert set(values.split("|")) <= LABELS[label], rule["alert"]


def test_each_alert_has_its_section(rules: list[dict[str, Any]]) -> None:
    sections = re.findall(r"^### (\w+)$", PAGE.read_text(), re.MULTILINE)

    assert sections == [rule["alert"] for rule in rules]
    for rule in rules:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"]
