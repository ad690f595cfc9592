"""How many events the server keeps and loses, and how an operator hears of those that are lost."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from gatepass.errors import StoreUnavailable
from gatepass.events import EventKind
from gatepass.server.events import EventSettings, EventTable, EventWriter
from gatepass.stores.sql import SqlStore
from gatepass.stores.sql.transactions import pooled_engine_of
from tests.budget import PATIENCE_S, until
from tests.server.test_events import NOW, event, table
from tests.servers.postgres import empty_database

__all__ = ["table"]


@pytest.fixture
def lost(tmp_path: Path) -> Iterator[EventTable]:
    """A table whose database never comes back."""
    table = EventTable(pooled_engine_of(f"sqlite:///{tmp_path}/none.db"), EventSettings())
    yield table
    table.close()


def test_events_that_are_lost_are_told_while_the_table_cannot_be_written(
    lost: EventTable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gatepass.server.events._PAUSE_S", 0.01)
    is_tried, is_full = threading.Event(), threading.Event()

    def add(_: list[dict[str, Any]]) -> None:
        is_tried.set()
        assert is_full.wait(PATIENCE_S)
        raise StoreUnavailable("the database does not let this role do that")

    monkeypatch.setattr(lost, "add", add)
    writer = EventWriter(lost, size=500)
    assert writer.hook is not None
    for _ in range(500):
        writer.hook(event())
    assert is_tried.wait(PATIENCE_S)  # the thread has taken them, and 500 more can wait
    for _ in range(507):
        writer.hook(event())
    is_full.set()

    until(lambda: "events dropped: 7" in caplog.messages, lambda: caplog.text)
    writer.close()
    assert writer.queue.dropped == 1_007


def test_at_the_end_a_table_that_cannot_be_written_is_tried_once_more(
    lost: EventTable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries, is_tried, may_go = [0], threading.Event(), threading.Event()

    def add(_: list[dict[str, Any]]) -> None:
        tries[0] += 1
        is_tried.set()
        assert may_go.wait(PATIENCE_S)
        raise StoreUnavailable

    monkeypatch.setattr(lost, "add", add)
    writer = EventWriter(lost)
    assert writer.hook is not None
    for _ in range(10_000):
        writer.hook(event())
    assert is_tried.wait(PATIENCE_S)
    end = threading.Thread(target=writer.close)
    end.start()
    assert writer._ending.wait(PATIENCE_S)
    may_go.set()
    end.join()

    assert tries == [2]
    assert writer.queue.dropped == 10_000
    told = [record.args for record in caplog.records if "events dropped" in record.msg]
    assert sum(count for (count,) in told) == 10_000  # type: ignore[misc]
    assert [record for record in caplog.records if record.exc_info] == []


def test_strangers_add_no_more_in_a_minute_than_a_disk_holds_and_hide_nothing(
    table: EventTable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gatepass.server.events._MOST_IN_A_MINUTE", 3)
    writer = EventWriter(table)
    assert writer.hook is not None
    for _ in range(10):
        writer.hook(event(EventKind.RATE_LIMITED))
        writer.hook(event())
    for _ in range(2):
        writer.hook(event(EventKind.LOGIN_FAILED))
    for _ in range(4):
        writer.hook(event(EventKind.RATE_LIMITED, NOW + 60))
    writer.queue.close()

    kinds = [(found.kind, found.at) for found in table.find()]
    assert kinds.count((EventKind.RATE_LIMITED, NOW)) == 3
    assert kinds.count((EventKind.REFRESHED, NOW)) == 10
    assert kinds.count((EventKind.LOGIN_FAILED, NOW)) == 2
    assert kinds.count((EventKind.RATE_LIMITED, NOW + 60)) == 3
    assert writer.queue.dropped == 8
    assert "events dropped: 8" in caplog.messages


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_a_purge_reads_strangers_events_alone(tmp_path: Path, database: str) -> None:
    is_file = database == "sqlite"
    url = f"sqlite:///{tmp_path}/gate.db" if is_file else empty_database("events")
    with closing(SqlStore.from_url(url)) as store:
        store.upgrade()
    engine = pooled_engine_of(url)
    table, asked = EventTable(engine, EventSettings()), []
    table.add(table.number([event()] * 1_000 + [event(EventKind.LOGIN_FAILED)] * 10))

    def ask(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if "rate_limited" in f"{statement} {parameters}":
            asked.append((statement, parameters))

    sqlalchemy.event.listen(engine, "before_cursor_execute", ask)
    table.purge(NOW, most=4)
    sqlalchemy.event.remove(engine, "before_cursor_execute", ask)
    plans = []
    with engine.connect() as connection:
        if not is_file:
            connection.exec_driver_sql("SET enable_seqscan = off")
        for statement, parameters in asked:
            words = "EXPLAIN QUERY PLAN" if is_file else "EXPLAIN"
            explained = connection.exec_driver_sql(f"{words} {statement}", parameters)
            plans.append(str(explained.fetchall()))
    table.close()

    assert len(plans) == 2
    assert [plan for plan in plans if "gatepass_events_strangers" not in plan] == []
