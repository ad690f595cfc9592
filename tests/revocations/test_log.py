"""The copy of a revocation log: merging, expiring, and a log that is not what it was."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.revocations.log import START, Entry, LogPage, RevocationLog

NOW = 1_800_000_000_000
HOUR = 3_600_000


def page(
    *entries: Entry, head: int | None = None, identity: str = "first", is_last: bool = True
) -> LogPage:
    newest = entries[-1][0] if entries else 0
    return LogPage(
        identity=identity,
        head=newest if head is None else head,
        retention_ms=HOUR,
        entries=entries,
        is_last=is_last,
    )


def test_a_new_copy_holds_nothing() -> None:
    log = RevocationLog()

    assert len(log) == 0
    assert log.cursor == START
    assert not log.is_revoked("a", "b")
    assert not log.is_revoked(None, None)


def test_sessions_and_tokens_are_held_apart() -> None:
    log = RevocationLog()

    assert log.merge(page((1, "s", "a", NOW), (2, "t", "b", NOW)), NOW)

    assert log.cursor == 2
    assert log.is_revoked("a", None)
    assert log.is_revoked(None, "b")
    assert not log.is_revoked("b", "a")


def test_kinds_of_a_later_release_disturb_nobody() -> None:
    log = RevocationLog()

    log.merge(page((1, "u", "a", NOW), (2, "s", "b", NOW)), NOW)

    assert not log.is_revoked("a", "a")
    assert log.is_revoked("b", None)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10))))
def test_pages_may_overlap(reads: list[tuple[int, int]]) -> None:
    entries: list[Entry] = [(place, "t", f"token {place}", NOW) for place in range(1, 41)]
    log = RevocationLog()
    for begin, size in reads:
        log.merge(page(*entries[begin : begin + size], head=40, is_last=False), NOW)

    assert log.merge(page(*entries, head=40), NOW)
    assert log.cursor == 40
    assert len(log) == 40
    assert all(log.is_revoked(None, f"token {place}") for place in range(1, 41))


def test_a_page_that_is_not_the_last_asks_for_more() -> None:
    log = RevocationLog()

    assert not log.merge(page((1, "t", "a", NOW), head=2, is_last=False), NOW)
    assert log.merge(page((2, "t", "b", NOW)), NOW)


def test_entries_leave_after_their_retention_and_not_before() -> None:
    log = RevocationLog()
    old: list[Entry] = [(n, "t", f"old {n}", NOW) for n in range(1, 1_001)]
    new: list[Entry] = [(n, "t", f"new {n}", NOW + 1) for n in range(1_001, 2_001)]

    log.merge(page(*old), NOW)
    log.merge(page(*new), NOW + HOUR)

    assert len(log) == 1_000
    assert not log.is_revoked(None, "old 1")
    assert log.is_revoked(None, "new 2000")


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
    log = RevocationLog()
    log.merge(page((1, "t", "a", NOW), (2, "s", "b", NOW)), NOW)

    with caplog.at_level(logging.WARNING):
        assert not log.merge(later, NOW)
        assert log.cursor == START
        assert log.merge(later, NOW)

    assert log.is_revoked(None, "a")
    assert log.is_revoked("b", None)
    assert log.is_revoked(None, "other") == bool(later.entries)
    assert len(caplog.records) == 1
    assert found in caplog.text
    assert "2 held" in caplog.text


def test_the_alarm_is_raised_once_each_time(caplog: pytest.LogCaptureFixture) -> None:
    log = RevocationLog()
    with caplog.at_level(logging.WARNING):
        log.alarm("no log")
        log.alarm("no log")
        assert len(caplog.records) == 1
        log.merge(page((1, "t", "a", NOW)), NOW)
        log.alarm("no log")

    assert len(caplog.records) == 2


def test_a_purged_log_is_no_reason_for_alarm(caplog: pytest.LogCaptureFixture) -> None:
    log = RevocationLog()
    log.merge(page((1, "t", "a", NOW), (2, "t", "b", NOW)), NOW)

    with caplog.at_level(logging.WARNING):
        assert log.merge(page(head=2), NOW)
        assert log.merge(page((3, "t", "c", NOW)), NOW)

    assert caplog.records == []
