"""Many ids in little room: found when added, gone when swept, and nobody chooses where they go."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.revocations.fingerprints import TABLES, Fingerprints, choose_hash

FINGERPRINTS = st.integers(0, 2**64 - 1) | st.integers(0, 50)

FIXED_SEED = """
from gatepass.revocations.fingerprints import choose_hash
first, second = choose_hash(), choose_hash()
assert first("a") == first("a") != first("b")
assert first("a") != second("a") != hash("a")
first("\\ud800")
"""


@given(st.lists(FINGERPRINTS, max_size=300), st.lists(FINGERPRINTS, max_size=20))
def test_what_was_added_is_found_and_nothing_else(added: list[int], others: list[int]) -> None:
    table = Fingerprints()
    for fingerprint in added:
        table.add(fingerprint, 7)

    held = {fingerprint or 1 for fingerprint in added}
    assert len(table) == len(held)
    assert all(table.has(fingerprint) for fingerprint in added)
    assert [other for other in others if table.has(other)] == [
        other for other in others if (other or 1) in held
    ]


def test_fingerprints_that_all_want_one_index_are_all_held() -> None:
    table = Fingerprints()
    crowd = [number << 40 for number in range(1, 500)]
    for fingerprint in crowd:
        table.add(fingerprint, 1)

    assert all(table.has(fingerprint) for fingerprint in crowd)
    assert not table.has(500 << 40)


def test_a_hundred_thousand_are_held_while_the_tables_grow() -> None:
    random = Random(1)
    table = Fingerprints()
    added = [random.getrandbits(64) for _ in range(100_000)]
    for count, fingerprint in enumerate(added):
        table.add(fingerprint, 3)
        assert table.has(added[random.randrange(count + 1)])

    assert len(table) == len(added)
    assert all(map(table.has, added))


@given(
    st.lists(st.tuples(FINGERPRINTS, st.integers(0, 100)), max_size=200),
    st.integers(0, 100),
    st.integers(-(10**6), 2 * 10**9),
)
def test_a_sweep_drops_what_is_older_and_keeps_the_rest(
    added: list[tuple[int, int]], oldest: int, begin: int
) -> None:
    table = Fingerprints()
    latest: dict[int, int] = {}
    for fingerprint, tick in added:
        table.add(fingerprint, begin + tick)
        latest[fingerprint or 1] = max(tick, latest.get(fingerprint or 1, 0))

    table.sweep(TABLES, begin + oldest)

    kept = {fingerprint for fingerprint, tick in latest.items() if tick >= oldest}
    assert len(table) == len(kept)
    assert all(table.has(fingerprint) == (fingerprint in kept) for fingerprint in latest)


def test_sweeps_go_round_all_tables_a_few_at_a_time() -> None:
    random = Random(2)
    table = Fingerprints()
    for _ in range(5_000):
        table.add(random.getrandbits(64), 1)
    sizes = []

    for _ in range(4):
        table.sweep(TABLES // 4, 2)
        sizes.append(len(table))

    assert 0 < sizes[2] < sizes[1] < sizes[0] < 5_000
    assert sizes[3] == 0


def test_the_hash_is_keyed_even_where_pythons_own_is_fixed() -> None:
    subprocess.run(
        [sys.executable, "-c", FIXED_SEED],
        check=True,
        env={"PYTHONHASHSEED": "0", "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
    )


@pytest.mark.parametrize("identifier", ["", "00", "a" * 300, "\ud800"])
def test_every_text_has_a_hash(identifier: str) -> None:
    assert choose_hash()(identifier) == choose_hash()(identifier)
