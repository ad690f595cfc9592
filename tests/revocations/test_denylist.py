"""The ids held: by kind, for their retention, in full or as fingerprints."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.revocations import denylist as denylists
from gatepass.revocations.denylist import Denylist, Entry

STORE = 1_800_000_000_000
HERE = 50_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Copy:
    """A denylist with both clocks, which go on together."""

    def __init__(self, retention_ms: int = HOUR) -> None:
        self.denylist = Denylist()
        self.retention_ms = retention_ms
        self.passed_ms = 0

    def merge(self, *entries: Entry, store_step_ms: int = 0) -> None:
        self.denylist.merge(
            entries,
            store_ms=STORE + self.passed_ms + store_step_ms,
            retention_ms=self.retention_ms,
            now_ms=HERE + self.passed_ms,
        )

    def let_pass(self, ms: int) -> None:
        self.passed_ms += ms
        for _ in range(100):  # fingerprints are swept a few tables at a time
            self.passed_ms += 1
            self.merge()

    def holds(self, *names: str) -> list[str]:
        return [
            name for name in names if self.denylist.is_held(name, None if name[0] == "s" else name)
        ]


@pytest.fixture(params=["in full", "as fingerprints"])
def copy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Copy:
    copy = Copy()
    if request.param == "as fingerprints":
        monkeypatch.setattr(denylists, "COMPACT_ABOVE", 1)
        monkeypatch.setattr(denylists, "_SWEPT", 1_024)
        copy.merge(("t", "first", STORE - HOUR + 1))
        assert copy.denylist.table is not None
        copy.merge()
    return copy


def tokens(names: Iterable[object], at_ms: int = STORE) -> list[Entry]:
    return [("t", f"t{name}", at_ms) for name in names]


def test_sessions_and_tokens_are_held_apart(copy: Copy) -> None:
    copy.merge(("s", "a", STORE), ("t", "b", STORE))

    assert copy.denylist.is_held("a", None)
    assert copy.denylist.is_held(None, "b")
    assert not copy.denylist.is_held("b", "a")
    assert not copy.denylist.is_held(None, None)


def test_kinds_of_a_later_release_disturb_nobody(copy: Copy) -> None:
    copy.merge(("u", "a", STORE), ("s", "b", STORE))

    assert not copy.denylist.is_held("a", "a")
    assert copy.denylist.is_held("b", None)


def test_what_is_held_at_once_needs_no_log(copy: Copy) -> None:
    copy.denylist.hold("s", "s1", HERE)
    copy.denylist.hold("t", "t1", HERE)

    assert copy.holds("s1", "t1", "t2") == ["s1", "t1"]


def test_entries_leave_after_their_retention_and_not_before(copy: Copy) -> None:
    copy.merge(*tokens(["old"]))
    copy.let_pass(30 * MINUTE)
    copy.merge(*tokens(["new"], STORE + copy.passed_ms))

    copy.let_pass(29 * MINUTE)
    assert copy.holds("told", "tnew") == ["told", "tnew"]
    copy.let_pass(10 * MINUTE)
    assert copy.holds("told", "tnew") == ["tnew"]
    copy.let_pass(30 * MINUTE)
    assert copy.holds("told", "tnew") == []
    assert len(copy.denylist) == 0


def test_entries_read_late_are_not_kept_for_longer(copy: Copy) -> None:
    copy.merge(*tokens(["aged"], STORE - 50 * MINUTE))

    copy.let_pass(9 * MINUTE)
    assert copy.holds("taged") == ["taged"]
    copy.let_pass(11 * MINUTE)
    assert copy.holds("taged") == []


def test_shorter_access_tokens_do_not_make_older_entries_leave_earlier(copy: Copy) -> None:
    copy.merge(*tokens(["old"]))
    copy.retention_ms = 5 * MINUTE

    copy.let_pass(59 * MINUTE)
    assert copy.holds("told") == ["told"]
    copy.let_pass(20 * MINUTE)
    assert copy.holds("told") == []


@pytest.mark.parametrize("step_ms", [-MINUTE, MINUTE])
def test_a_step_of_the_stores_clock_makes_no_held_entry_leave(copy: Copy, step_ms: int) -> None:
    copy.merge(*tokens(["old"]))
    copy.let_pass(59 * MINUTE)
    copy.merge(*tokens(["new"], STORE + copy.passed_ms), store_step_ms=step_ms)

    assert copy.holds("told", "tnew") == ["told", "tnew"]


def test_an_entry_that_comes_again_counts_from_the_later_time(copy: Copy) -> None:
    copy.merge(*tokens(["again"]))
    copy.let_pass(50 * MINUTE)
    copy.merge(*tokens(["again"]))
    copy.merge(*tokens(["again"], STORE + copy.passed_ms))

    copy.let_pass(50 * MINUTE)
    assert copy.holds("tagain") == ["tagain"]
    copy.let_pass(20 * MINUTE)
    assert copy.holds("tagain") == []


def test_a_retention_of_years_is_kept(copy: Copy) -> None:
    copy.merge(*tokens(["old"]))
    copy.retention_ms = 3_000 * DAY
    copy.merge(*tokens(["new"]))

    copy.let_pass(2_999 * DAY)
    assert copy.holds("told", "tnew") == ["told", "tnew"]
    copy.let_pass(400 * DAY)
    assert copy.holds("told", "tnew") == []


def test_too_many_for_holding_in_full_become_fingerprints_little_by_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(denylists, "COMPACT_ABOVE", 20_000)
    copy = Copy()
    names = [f"t{number}" for number in range(50_000)]
    stages = set()
    for begin in range(0, len(names), 1_000):
        copy.merge(*(("t", name, STORE) for name in names[begin : begin + 1_000]))
        stages.add((copy.denylist.table is not None, bool(copy.denylist.tokens)))
        assert copy.holds(*names[: begin + 1_000]) == names[: begin + 1_000]
        assert copy.holds(*names[begin + 1_000 : begin + 2_000]) == []

    assert stages == {(False, True), (True, True), (True, False)}
    assert len(copy.denylist) == len(names)


def test_when_all_fingerprints_have_left_ids_are_held_in_full_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(denylists, "COMPACT_ABOVE", 2_000)
    copy = Copy()
    for begin in range(0, 5_000, 500):
        copy.merge(*tokens(range(begin, begin + 500)))
    assert copy.denylist.table is not None

    for _ in range(200):
        copy.let_pass(MINUTE)
    assert copy.denylist.table is None
    copy.merge(*tokens(["new"], STORE + copy.passed_ms))
    assert copy.denylist.tokens == {"tnew"}


@given(
    st.lists(
        st.tuples(st.sampled_from("st"), st.integers(0, 40), st.integers(0, HOUR - 1)), max_size=60
    )
)
def test_merging_in_any_order_and_any_often_ends_with_the_same(
    entries: list[tuple[str, int, int]],
) -> None:
    made: list[Entry] = [(kind, f"{kind}{n}", STORE - age) for kind, n, age in entries]
    once, twice = Copy(), Copy()

    once.merge(*made)
    for entry in [*reversed(made), *made]:
        twice.merge(entry)

    assert once.denylist.sessions == twice.denylist.sessions
    assert once.denylist.tokens == twice.denylist.tokens
    assert once.denylist._times == twice.denylist._times
