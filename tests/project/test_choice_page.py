"""The tables of docs/jwt-or-session.md are those of the benchmark's last report."""

import re
from itertools import pairwise

import msgspec
import pytest

from benchmarks.choice_page import FIGURES, PAGE, STORES, WAYS, Choice, format_rows, way_rows
from benchmarks.page import table


@pytest.fixture(scope="module")
def choice() -> Choice:
    return msgspec.json.decode(FIGURES.read_bytes(), type=Choice)


def test_each_table_shows_the_figures_that_the_benchmark_kept(choice: Choice) -> None:
    for name, rows in (("formats", format_rows(choice)), ("ways", way_rows(choice))):
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        [written] = re.findall(f"{begin}(.*?){end}", PAGE.read_text(), re.DOTALL)
        assert written.strip().splitlines() == table(*rows)


def test_the_figures_say_what_the_page_says_in_words(choice: Choice) -> None:
    assert choice.reads_per_request == {"no check": 0, "replica": 0, "direct": 1, "opaque": 1}
    assert choice.calls_per_refresh == {"no check": 1, "replica": 1, "direct": 1, "opaque": 2}
    for store in STORES:
        assert choice.delay_ms[store]["opaque"] == choice.delay_ms[store]["direct"] == 0
        assert set(choice.check_us[store]) == set(WAYS)
    sizes = [choice.access_bytes[each] for each in ("opaque", "HS256", "ES256", "RS256")]
    assert all(less < more for less, more in pairwise(sizes))
