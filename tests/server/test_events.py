"""What the server keeps of events: which, of whom, from where, for how long, and what never."""

import itertools
import json
import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog

from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.events import Event, EventKind
from gatepass.http import Limits
from gatepass.passwords import Passwords
from gatepass.server.app import make_parts
from gatepass.server.events import (
    EventSettings,
    EventTable,
    EventWriter,
    as_fields,
    read_event_settings,
)
from gatepass.server.logs import configure_logs
from gatepass.stores.sql import SqlStore
from gatepass.stores.sql.transactions import pooled_engine_of
from tests.budget import PATIENCE_S
from tests.server.test_log_level import logs
from tests.server.world import ADDRESS, PASSWORD, World
from tests.servers.postgres import empty_database

__all__ = ["logs"]

UNKNOWN = "hunter2-in-the-wrong-field"
DAY_S = 86_400
NOW = 1_800_000_000.0


def event(kind: EventKind = EventKind.REFRESHED, at: float = NOW, **known: Any) -> Event:
    return Event(kind=kind, at=at, **known)


@pytest.mark.anyio
async def test_every_route_keeps_what_it_did_with_address_and_device(made: World) -> None:
    async with made.serve() as world:
        pair = await world.pair()
        refreshed = (await world.refresh(pair)).json()
        await world.refresh(pair)
        assert (await world.log_out(refreshed)).status_code == 200
        other, last = await world.pair(), await world.pair()
        headers = {"Authorization": f"Bearer {last['access_token']}"}
        path = f"/auth/sessions/{other['session_id']}"
        assert (await world.client.delete(path, headers=headers)).status_code == 204
        assert (await world.client.post("/auth/logout-all", headers=headers)).status_code == 200
        assert (await world.log_in(password="a wrong password")).status_code == 401
        world.leaks.watch(UNKNOWN)
        assert (await world.log_in(UNKNOWN)).status_code == 401
        assert (await world.log_in("someone", UNKNOWN)).status_code == 401

    with made.administration() as (accounts, _):
        ada = accounts.get("ada").subject
    found = made.events()
    assert [(str(e.kind), e.subject, e.session_id) for e in found] == [
        ("logged_in", ada, pair["session_id"]),
        ("refreshed", ada, pair["session_id"]),
        ("refresh_replayed", ada, pair["session_id"]),
        ("logged_out", ada, pair["session_id"]),
        ("logged_in", ada, other["session_id"]),
        ("logged_in", ada, last["session_id"]),
        ("session_revoked", ada, other["session_id"]),
        ("subject_revoked", ada, None),
        ("login_failed", ada, None),
        ("login_failed", None, None),
        ("login_failed", None, None),
    ]
    assert {e.address for e in found} == {ADDRESS}
    assert all((e.device or "").startswith("python-httpx/") for e in found)
    assert {e.client_id for e in found} == {"app"}


@pytest.mark.anyio
async def test_a_change_of_a_password_is_kept_once_and_a_guess_at_it_too(made: World) -> None:
    async with made.serve() as world:
        pair = await world.pair()
        for current, status in (("a guess", 403), (PASSWORD, 200)):
            answer = await world.client.post(
                "/auth/password",
                json={"current_password": current, "new_password": "another password for ada"},
                headers={"Authorization": f"Bearer {pair['access_token']}"},
            )
            assert answer.status_code == status

    assert [(str(e.kind), e.session_id) for e in made.events()] == [
        ("logged_in", pair["session_id"]),
        ("login_failed", None),
        ("subject_revoked", None),
        ("password_changed", pair["session_id"]),
    ]


@pytest.mark.anyio
async def test_an_attempt_too_many_is_kept_without_a_name(made: World) -> None:
    parts = replace(made.parts, limits=Limits(login="1/minute"))
    async with replace(made, parts=parts).serve() as world:
        await world.log_in(UNKNOWN)
        assert (await world.log_in(UNKNOWN)).status_code == 429
        world.leaks.watch(UNKNOWN)

    assert [(e.kind, e.subject) for e in made.events()] == [
        (EventKind.LOGIN_FAILED, None),
        (EventKind.RATE_LIMITED, None),
    ]


@pytest.mark.anyio
async def test_a_server_that_keeps_none_has_no_hook(made: World) -> None:
    parts = make_parts(made.state, Passwords(made.hasher), events=EventSettings(days=0))
    assert not parts.manager.has_hook
    async with replace(made, parts=parts).serve() as world:
        await world.pair()

    assert made.events() == []


@pytest.fixture(params=["sqlite", "postgres"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventTable]:
    """An empty table that keeps events for 30 days."""
    is_file = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/gate.db" if is_file else empty_database("events")
    with closing(SqlStore.from_url(url)) as store:
        store.upgrade()
    table = EventTable(pooled_engine_of(url), EventSettings())
    yield table
    table.close()


def test_rows_that_are_added_twice_are_there_once(table: EventTable) -> None:
    rows = table.number([event(), event()])
    table.add(rows)
    table.add(rows)

    assert table.find() == [event(), event()]


def test_a_subject_is_found_with_what_only_names_its_sessions(table: EventTable) -> None:
    kept = [
        event(EventKind.LOGGED_IN, NOW, subject="ada", session_id="1", address="192.0.2.7"),
        event(EventKind.LOGGED_IN, NOW + 1, subject="eve", session_id="2"),
        event(EventKind.SESSION_REVOKED, NOW + 2, session_id="1", reason="a guest"),
        event(EventKind.EVERYBODY_REVOKED, NOW + 3, reason="restored"),
    ]
    table.add(table.number(kept))

    assert table.find(subject="ada") == [kept[2], kept[0]]
    assert table.find(session_id="2") == [kept[1]]
    assert table.find(limit=2) == [kept[3], kept[2]]
    assert table.find(subject="bob") == []


def test_a_text_that_a_database_chokes_on_is_kept_without_it(table: EventTable) -> None:
    table.write(event(device="curl\0\x1b[31m\ud800", reason="ä"))

    assert table.find() == [event(device="curl[31m", reason="ä")]


def test_a_purge_leaves_what_is_young_enough(table: EventTable) -> None:
    old, young = event(at=NOW - 31 * DAY_S), event(at=NOW - 29 * DAY_S)
    table.add(table.number([old] * 1_200 + [young]))

    assert table.purge(NOW) == 1_200
    assert table.find() == [young]
    table.write(event(at=0.0))
    assert table.purge() == 1  # by the clock of today


def test_a_purge_leaves_no_more_of_strangers_events_than_a_disk_holds(table: EventTable) -> None:
    failed = [event(EventKind.LOGIN_FAILED, NOW + number) for number in range(10)]
    table.add(table.number([event(), *failed]))

    assert table.purge(NOW + 20, most=4) == 6
    assert table.find() == [*failed[:5:-1], event()]


def test_what_could_not_be_written_is_written_later_and_once(
    table: EventTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatepass.server.events._PAUSE_S", 0.01)
    add, tries, is_over = table.add, itertools.count(), threading.Event()

    def add_badly(rows: list[dict[str, Any]]) -> None:
        """The first try does nothing, the answer to the second is lost, the third is well."""
        number = next(tries)
        if number:
            add(rows)
        if number < 2:
            raise StoreUnavailable
        is_over.set()

    monkeypatch.setattr(table, "add", add_badly)
    writer = EventWriter(table)
    assert writer.hook is not None
    writer.hook(event())
    assert is_over.wait(PATIENCE_S)
    writer.queue.close()

    assert writer.queue.dropped == 0
    assert table.find() == [event()]


def test_a_database_that_is_gone_at_the_end_costs_what_waits(tmp_path: Path) -> None:
    table = EventTable(pooled_engine_of(f"sqlite:///{tmp_path}/none.db"), EventSettings())
    writer = EventWriter(table)
    assert writer.hook is not None
    for _ in range(3):
        writer.hook(event())
    writer.close()

    assert writer.queue.dropped == 3


@pytest.mark.usefixtures("logs")
@pytest.mark.parametrize("level", [logging.INFO, logging.ERROR], ids=["info", "error"])
def test_events_are_lines_of_json_whatever_the_level(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], level: int
) -> None:
    configure_logs(as_json=True, level=level)
    settings = read_event_settings({"GATEPASS_EVENTS_LOG": "json", "GATEPASS_EVENT_DAYS": "0"})
    writer = EventWriter(EventTable(pooled_engine_of(f"sqlite:///{tmp_path}/none.db"), settings))
    assert writer.hook is not None
    writer.hook(event(subject="ada", address="192.0.2.7"))
    writer.close()
    structlog.reset_defaults()

    [line] = map(json.loads, capsys.readouterr().err.splitlines())
    expected = {
        "at": "2027-01-15T08:00:00.000+00:00",
        "kind": "refreshed",
        "subject": "ada",
        "session_id": None,
        "client_id": None,
        "address": "192.0.2.7",
        "device": None,
        "reason": None,
    }
    assert as_fields(event(subject="ada", address="192.0.2.7")) == expected
    assert line.items() >= {**expected, "event": "event", "level": "info"}.items()


def test_settings_are_read_and_their_bounds_named() -> None:
    assert read_event_settings({}) == EventSettings(days=30, are_logged=False)
    assert read_event_settings({"GATEPASS_EVENT_DAYS": "365"}).days == 365
    for value in ("-1", "1.5", "3651", "ever", "9" * 40):
        with pytest.raises(SettingsRejected, match="GATEPASS_EVENT_DAYS is a whole number"):
            read_event_settings({"GATEPASS_EVENT_DAYS": value})
    with pytest.raises(SettingsRejected, match="GATEPASS_EVENTS_LOG is json"):
        read_event_settings({"GATEPASS_EVENTS_LOG": "xml"})


@pytest.mark.anyio
async def test_no_request_waits_for_a_table_that_is_gone(made: World) -> None:
    async with made.serve() as world:
        pair = await world.pair()
        with closing(sqlite3.connect(world.database, isolation_level=None)) as other:
            other.execute("DROP TABLE gatepass_events")
            assert (await world.me(pair)).status_code == 200
            assert (await world.refresh(pair)).status_code == 200
            other.execute(
                "CREATE TABLE gatepass_events (event_id TEXT PRIMARY KEY, at_ms BIGINT, kind TEXT,"
                " subject TEXT, session_id TEXT, client_id TEXT, address TEXT, device TEXT,"
                " reason TEXT)"
            )

    assert "refreshed" in [str(e.kind) for e in made.events()]
