"""The page of measured figures has the shape that the benchmark writes, and its charts are SVG."""

import re
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.charts import COLOURS
from benchmarks.growth import SIZES, Point
from benchmarks.page import GROWTH, PAGE, ROWS, VERIFY, Measured, write_page
from benchmarks.scene import ALGORITHMS
from benchmarks.signatures import Signatures, label

_FIGURE = re.compile(r"[\d.,]+(?: \([\d.]+×\))?|-")
_DRAWN = {"svg", "title", "style", "text", "rect", "line", "polyline"}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """The page as a run writes it in which one contestant was missing."""
    medians = {
        ("verify", algorithm): {name: at + 0.5 for at, name in enumerate(ROWS) if name != "ryjwt"}
        for algorithm in ALGORITHMS
    }
    growth = [Point(size, 0.5, 1.25, size / 50_000) for size in SIZES]
    page = tmp_path / PAGE.name
    shutil.copy(PAGE, page)
    write_page(page, Measured(Signatures(medians=medians, words={"ryjwt": "not found"}), growth))
    return page


def tables(page: Path) -> dict[str, list[list[str]]]:
    """The cells of every measured table."""
    parts = re.findall(r"<!-- (\w+) -->\n(.*?)<!-- end of \1 -->", page.read_text(), re.DOTALL)
    return {
        name: [line.strip("| ").split(" | ") for line in text.splitlines() if line[:2] == "| "]
        for name, text in parts
    }


def test_the_page_has_the_tables_that_the_benchmark_writes(written: Path) -> None:
    ours, theirs = tables(PAGE), tables(written)

    assert ours.keys() == theirs.keys() >= {"verify", "growth", "watch", "run"}
    assert [row[0] for row in ours["verify"][1:]] == list(ROWS.values())
    for name in ("verify", "growth"):
        head, *rows = ours[name]
        assert head == theirs[name][0]
        assert [row[0] for row in rows] == [row[0] for row in theirs[name][1:]]
        for row in rows:
            assert len(row) == len(head)
            assert all(map(_FIGURE.fullmatch, row[1:])), row


def test_a_contestant_that_was_not_found_is_told_as_such(written: Path) -> None:
    [row] = [row for row in tables(written)["verify"] if row[0] == "ryjwt"]

    assert row[1:] == ["-"] * len(ALGORITHMS)
    assert "* ryjwt: not found" in written.read_text()


@pytest.mark.parametrize("name", [VERIFY, GROWTH])
def test_the_charts_are_drawings_that_fetch_and_run_nothing(name: str, written: Path) -> None:
    for chart in (PAGE.parent / name, written.parent / name):
        tags = {each.tag.partition("}")[2] for each in ET.parse(chart).iter()}  # noqa: S314 - ours

        assert tags <= _DRAWN
        assert "prefers-color-scheme:dark" in chart.read_text()
        assert f"({name})" in PAGE.read_text()


def test_the_charts_name_everything_that_they_compare(written: Path) -> None:
    words = [each.text for each in ET.parse(PAGE.parent / VERIFY).iter()]  # noqa: S314 - ours

    assert {*map(label, ALGORITHMS), "PyJWT", "joserfc", "gatepass, seen before"} <= {*words}
    points = (written.parent / GROWTH).read_text()
    assert points.count("<polyline") == 3
    assert all(f">{each}</text>" in points for each in ("0", "1k", "10k", "100k", "1M", "10M"))


@pytest.mark.parametrize("colour", COLOURS)
def test_a_colour_stands_out_from_a_light_and_a_dark_page(colour: str) -> None:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    light = sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    assert 1.05 / (light + 0.05) >= 3  # WCAG 2.2, 1.4.11
    assert (light + 0.05) / 0.055 >= 3
