"""Following PostgreSQL's log: what is asked next, and a log that is not what it was."""

import json
import logging
from typing import Any

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.revocations import postgres_cursor
from gatepass.revocations.alarm import Alarm
from gatepass.revocations.denylist import Denylist
from gatepass.revocations.postgres_cursor import BACK_MS, PostgresCursor
from gatepass.sessions.session import SKEW_MS

NOW = 1_800_000_000_000
LIFE = 900_000

Row = tuple[Any, ...]


class Following:
    """A cursor with what it follows into."""

    def __init__(self) -> None:
        self.denylist = Denylist()
        self.alarm = Alarm()
        self.cursor = PostgresCursor(self.denylist, self.alarm)

    def take(
        self,
        *entries: tuple[int, int, str, str, int],
        snapshot: str = "10:10:",
        identity: str = "first",
        store_ms: int = NOW,
        is_there: bool = True,
        is_standby: bool = False,
        run: str = "the first server",
    ) -> bool:
        head = (is_standby, snapshot, run, identity, LIFE, store_ms, is_there)
        page = json.dumps([(str(xid), *rest) for xid, *rest in entries])
        rows: list[Row] = [(*head, page)]
        return self.cursor.take(rows, 5_000_000)


@pytest.fixture
def following() -> Following:
    return Following()


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_cursor, "PAGE", 2)


def test_it_begins_with_everything(following: Following) -> None:
    seen, since_ms, after, number, kind, identifier = following.cursor.values()

    assert (seen, after, number, kind, identifier) == ("3:3:", "0", 0, None, None)
    assert since_ms > NOW


def test_it_goes_on_from_the_snapshot_of_the_statement_that_read(following: Following) -> None:
    assert following.take((7, 1, "t", "a", NOW), (9, 2, "s", "b", NOW - 5), snapshot="8:11:8,9")

    assert following.denylist.is_held("b", None)
    assert following.denylist.is_held(None, "a")
    seen, _, after, number, kind, identifier = following.cursor.values()
    assert (seen, after, number) == ("8:11:8,9", "0", 0)
    assert (kind, identifier) == ("t", "a")


@pytest.mark.usefixtures("small_pages")
def test_a_pass_of_several_statements_counts_from_the_first(following: Following) -> None:
    assert not following.take((7, 1, "t", "a", NOW), (7, 2, "t", "b", NOW), snapshot="8:8:")
    assert following.cursor.values()[0] == "3:3:"
    assert following.cursor.values()[2:4] == ("7", 2)
    assert not following.take((7, 3, "t", "c", NOW), (10, 4, "t", "d", NOW), snapshot="12:12:")
    assert following.cursor.values()[2:4] == ("10", 4)

    assert following.take(snapshot="15:15:")
    assert following.cursor.values()[0] == "8:8:"
    assert len(following.denylist) == 4


@pytest.mark.usefixtures("small_pages")
def test_numbers_are_compared_as_numbers(following: Following) -> None:
    following.take((9, 1, "t", "a", NOW), (10, 2, "t", "b", NOW))

    assert following.cursor.values()[2:4] == ("10", 2)


@pytest.mark.usefixtures("small_pages")
def test_another_connection_reads_again_what_is_young(following: Following) -> None:
    following.take((7, 1, "t", "a", NOW), snapshot="8:8:")
    following.take((8, 2, "t", "b", NOW), (8, 3, "t", "c", NOW), snapshot="9:9:")
    resumed = following.cursor.resumed()
    following.cursor.step_back()

    for cursor in (following.cursor, resumed):
        seen, since_ms, after, number, *_ = cursor.values()
        assert (seen, since_ms, after, number) == ("8:8:", NOW - BACK_MS, "0", 0)


def test_another_server_on_the_same_connection_is_read_from_the_last_answer_of_the_old_one(
    following: Following,
) -> None:
    """A pooler keeps connections over a fail-over, and numbers may be given out twice."""
    following.take((7, 1, "t", "a", NOW), snapshot="90:90:")
    much_later = NOW + 10 * BACK_MS

    assert not following.take(snapshot="80:80:", store_ms=much_later, run="the second server")
    seen, since_ms, after, number, *_ = following.cursor.values()
    assert (seen, since_ms, after, number) == ("90:90:", NOW - BACK_MS, "0", 0)
    assert following.take(
        (79, 2, "t", "b", NOW + 1),
        snapshot="80:80:",
        store_ms=much_later,
        run="the second server",
    )
    assert following.cursor.values()[0] == "80:80:"
    assert following.alarm.count == 0


def test_a_standby_is_not_believed(following: Following) -> None:
    with pytest.raises(StoreUnavailable, match="standby"):
        following.take((7, 1, "t", "a", NOW), is_standby=True)

    assert len(following.denylist) == 0


def test_a_log_that_is_gone_is_an_alarm_and_an_outage(following: Following) -> None:
    following.take((7, 1, "t", "a", NOW))

    with pytest.raises(StoreUnavailable, match="gone"):
        following.cursor.take([], 5_000_000)

    assert following.alarm.found == "no log"
    assert following.denylist.is_held(None, "a")


@pytest.mark.parametrize(
    ("changed", "found"),
    [({"identity": "second"}, "another log"), ({"is_there": False}, "an older log")],
)
def test_a_log_that_lost_entries_is_read_anew_and_loses_none_of_those_held(
    following: Following,
    changed: dict[str, Any],
    found: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    following.take((7, 1, "t", "a", NOW), snapshot="8:8:")

    with caplog.at_level(logging.WARNING):
        assert not following.take(snapshot="5:5:", **changed)
        assert following.cursor.values()[0] == "3:3:"
        assert following.take((4, 1, "t", "b", NOW), snapshot="5:5:", **changed)

    assert following.denylist.is_held(None, "a")
    assert following.denylist.is_held(None, "b")
    assert (following.alarm.found, following.alarm.count) == (found, 1)
    assert len(caplog.records) == 1


def test_a_purged_log_is_no_reason_for_alarm(following: Following) -> None:
    following.take((7, 1, "t", "a", NOW))

    assert following.take(is_there=False, store_ms=NOW + LIFE + SKEW_MS)
    assert following.alarm.count == 0
