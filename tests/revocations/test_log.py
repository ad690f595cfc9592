"""Following a log: pages, and a log that is not what it was."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.revocations.denylist import Denylist
from gatepass.revocations.log import START, LogPage, RevocationLog

NOW = 1_800_000_000_000
HERE = 50_000
HOUR = 3_600_000

Placed = tuple[int, str, str, int]


class Copy(RevocationLog):
    """A log with a denylist of its own."""

    def __init__(self) -> None:
        super().__init__(Denylist())

    def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        return self.denylist.is_held(session_id, token_id)


def page(
    *entries: Placed, head: int | None = None, identity: str = "first", is_last: bool = True
) -> LogPage:
    newest = entries[-1][0] if entries else 0
    return LogPage(
        identity=identity,
        head=newest if head is None else head,
        store_ms=NOW,
        retention_ms=HOUR,
        entries=entries,
        is_last=is_last,
    )


def test_a_new_copy_holds_nothing() -> None:
    log = Copy()

    assert len(log.denylist) == 0
    assert log.cursor == START
    assert not log.is_revoked("a", "b")
    assert not log.is_revoked(None, None)


def test_entries_are_held_once_they_are_merged() -> None:
    log = Copy()

    assert log.merge(page((1, "s", "a", NOW), (2, "t", "b", NOW)), HERE)

    assert log.cursor == 2
    assert log.is_revoked("a", None)
    assert log.is_revoked(None, "b")


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10))))
def test_pages_may_overlap(reads: list[tuple[int, int]]) -> None:
    entries: list[Placed] = [(place, "t", f"token {place}", NOW) for place in range(1, 41)]
    log = Copy()
    for begin, size in reads:
        log.merge(page(*entries[begin : begin + size], head=40, is_last=False), HERE)

    assert log.merge(page(*entries, head=40), HERE)
    assert log.cursor == 40
    assert len(log.denylist) == 40
    assert all(log.is_revoked(None, f"token {place}") for place in range(1, 41))


def test_a_page_that_is_not_the_last_asks_for_more() -> None:
    log = Copy()

    assert not log.merge(page((1, "t", "a", NOW), head=2, is_last=False), HERE)
    assert log.merge(page((2, "t", "b", NOW)), HERE)


@pytest.mark.parametrize(
    ("later", "found"),
    [
        (page(head=1), "an older log"),
        (page(head=0), "an older log"),
        (page((1, "t", "other", NOW), identity="second"), "another log"),
        (page((9, "t", "other", NOW), identity="second"), "another log"),
    ],
)
def test_a_log_that_lost_entries_loses_none_of_those_held(
    caplog: pytest.LogCaptureFixture, later: LogPage, found: str
) -> None:
    log = Copy()
    log.merge(page((1, "t", "a", NOW), (2, "s", "b", NOW)), HERE)

    with caplog.at_level(logging.WARNING):
        assert not log.merge(later, HERE)
        assert log.cursor == START
        assert log.merge(later, HERE)

    assert log.is_revoked(None, "a")
    assert log.is_revoked("b", None)
    assert log.is_revoked(None, "other") == bool(later.entries)
    assert len(caplog.records) == 1
    assert found in caplog.text
    assert "2 held" in caplog.text
    assert (log.alarm.found, log.alarm.count) == (found, 1)


def test_the_alarm_is_raised_once_each_time(caplog: pytest.LogCaptureFixture) -> None:
    log = Copy()
    with caplog.at_level(logging.WARNING):
        log.alarm.sound("no log", 0)
        log.alarm.sound("no log", 0)
        assert len(caplog.records) == 1
        log.merge(page((1, "t", "a", NOW)), HERE)
        log.alarm.sound("no log", 1)

    assert len(caplog.records) == 2


def test_a_purged_log_is_no_reason_for_alarm(caplog: pytest.LogCaptureFixture) -> None:
    log = Copy()
    log.merge(page((1, "t", "a", NOW), (2, "t", "b", NOW)), HERE)

    with caplog.at_level(logging.WARNING):
        assert log.merge(page(head=2), HERE)
        assert log.merge(page((3, "t", "c", NOW)), HERE)

    assert caplog.records == []
