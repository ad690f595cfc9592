"""Following Redis Streams: ids, stepping back, and logs that are not what they were."""

import logging
from typing import Any

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.revocations import redis_cursor
from gatepass.revocations.alarm import Alarm
from gatepass.revocations.denylist import Denylist
from gatepass.revocations.redis_cursor import BACK_MS, RedisCursor
from gatepass.sessions.session import SKEW_MS

NOW = 1_800_000_000_000
LIFE = 900_000

Facts = tuple[Any, Any]


class Following:
    """A cursor over two partitions with what it follows into."""

    def __init__(self) -> None:
        self.denylist = Denylist()
        self.alarm = Alarm()
        self.cursor = RedisCursor((4, 5), self.denylist, self.alarm)

    def take(self, **found: list[tuple[str, str, str]]) -> bool:
        read = {
            int(name[1:]): [
                [place.encode(), [kind.encode(), identifier.encode()]]
                for place, kind, identifier in entries
            ]
            for name, entries in found.items()
        }
        return self.cursor.take(read, store_ms=NOW, now_ms=5_000_000)

    def judge(self, four: Facts, five: Facts | None = None, store_ms: int = NOW) -> None:
        self.cursor.judge([four, five or facts(None)], store_ms)


def facts(identity: bytes | None, at: int = 0, *, is_there: bool = False) -> Facts:
    meta = [identity, str(at).encode() if at else None, str(LIFE).encode() if identity else None]
    return meta, [["the entry"]] if is_there else []


@pytest.fixture
def following() -> Following:
    following = Following()
    following.judge(facts(None))
    assert following.take(p4=[(f"{NOW}-0", "s", "a"), (f"{NOW}-1", "t", "b")])
    following.judge(facts(b"first", NOW, is_there=True))
    return following


def test_each_partition_goes_on_behind_its_last_entry(following: Following) -> None:
    assert following.cursor.ids() == [f"{NOW}-1", "0-0"]
    assert following.cursor.witnesses() == [f"{NOW}-1", "0-0"]
    assert following.denylist.is_held("a", "b")

    following.take(p5=[(f"{NOW + 3}-7", "t", "c")])
    assert following.cursor.ids() == [f"{NOW}-1", f"{NOW + 3}-7"]


def test_a_full_answer_asks_for_more(following: Following, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_cursor, "COUNT", 2)

    assert not following.take(p4=[(f"{NOW + 1}-0", "t", "c"), (f"{NOW + 2}-0", "t", "d")])
    assert following.take(p4=[(f"{NOW + 3}-0", "t", "e")])
    assert following.take()


def test_another_server_is_read_from_a_minute_earlier(following: Following) -> None:
    resumed = following.cursor.resumed()
    following.cursor.step_back()

    for cursor in (following.cursor, resumed):
        assert cursor.ids() == [f"{NOW - BACK_MS}-0", "0-0"]
        assert cursor.witnesses() == [f"{NOW}-1", "0-0"]


def test_a_new_primary_whose_clock_is_behind_is_no_reason_for_alarm(following: Following) -> None:
    following.cursor.step_back()
    following.take(p4=[(f"{NOW - 40_000}-0", "t", "c")])

    assert following.denylist.is_held(None, "c")
    assert following.cursor.ids()[0] == f"{NOW - 40_000}-0"
    assert following.cursor.witnesses()[0] == f"{NOW}-1"


@pytest.mark.parametrize(
    ("four", "found"),
    [
        (facts(None), "no log"),
        (facts(b"second", NOW + 9, is_there=True), "another log"),
        (facts(b"first", NOW - 1, is_there=True), "an older log"),
        (facts(b"first", NOW + 9), "an older log"),
    ],
)
def test_a_log_that_lost_entries_is_read_anew_and_loses_none_of_those_held(
    following: Following, four: Facts, found: str, caplog: pytest.LogCaptureFixture
) -> None:
    following.take(p5=[(f"{NOW}-0", "t", "other")])
    five = facts(b"five", NOW, is_there=True)

    with caplog.at_level(logging.WARNING):
        following.judge(four, five)
        following.judge((four[0], []), five)

    assert following.cursor.ids() == ["0-0", f"{NOW}-0"]
    assert following.denylist.is_held("a", "b")
    assert (following.alarm.found, following.alarm.count) == (found, 1)
    assert len(caplog.records) == 1


def test_a_trimmed_log_is_no_reason_for_alarm(following: Following) -> None:
    later = NOW + LIFE + SKEW_MS
    following.judge(facts(b"first", later), store_ms=later)

    assert following.alarm.count == 0


@pytest.mark.parametrize("fields", [[b"t"], [], None, [1, 2], [b"t", b"\xff"]])
def test_an_entry_that_is_not_ours_is_an_outage(following: Following, fields: Any) -> None:
    with pytest.raises(StoreUnavailable, match="damaged"):
        following.cursor.take({4: [[b"1-1", fields]]}, store_ms=NOW, now_ms=1)


@pytest.mark.parametrize("meta", [b"what", [b"id", b"now", b"1"], [b"id", b"1", [b"1"]]])
def test_a_meta_hash_that_is_not_ours_is_an_outage(following: Following, meta: Any) -> None:
    with pytest.raises(StoreUnavailable, match="damaged"):
        following.judge((meta, []))
