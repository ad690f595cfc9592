"""Two charts as SVG, readable on a light and on a dark page."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from math import log10
from typing import Final

from benchmarks.growth import Point

COLOURS: Final = ("#2f81f7", "#8250df", "#bf8700", "#1a9e96", "#cf5b2e", "#6e7781")
"""Each stands out from white and from black."""
_WIDTH: Final = 760
_STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#424a53}.title{font-weight:600}"
    ".grid{stroke:#8c959f;stroke-opacity:.35}.line{fill:none;stroke-width:2.5}"
    "@media(prefers-color-scheme:dark){text{fill:#c9d1d9}}"
)
_BAR: Final = 15
_LETTER: Final = 7.2
_LEFT: Final = 90
_RIGHT: Final = 100
_LEAST, _MOST = 0.1, 1000.0


def verify_chart(contestants: Sequence[str], groups: Mapping[str, Sequence[float | None]]) -> str:
    """Bars for each algorithm, one per contestant, over microseconds in powers of ten."""
    width = _WIDTH - _LEFT - _RIGHT
    top, step = 76, _BAR * len(contestants) + 22
    height = top + step * len(groups) + 6

    def x_of(value: float) -> float:
        return _LEFT + width * log10(max(value, _LEAST) / _LEAST) / log10(_MOST / _LEAST)

    shapes = [_text(0, 16, "Microseconds to verify one token (each line is ten times)", "title")]
    at = 0.0
    for number, name in enumerate(contestants):
        shapes += [_box(at, 30, 11, 11, COLOURS[number]), _text(at + 16, 40, name)]
        at += 34 + _LETTER * len(name)
    for mark in (0.1, 1, 10, 100, 1000):
        shapes += [_line(x_of(mark), 70, x_of(mark), height - 16)]
        shapes += [_text(x_of(mark), 64, f"{mark:g}", anchor="middle")]
    for row, (algorithm, values) in enumerate(groups.items()):
        y = top + step * row
        shapes.append(_text(0, y + step / 2 - 6, algorithm, "title"))
        for number, value in enumerate(values):
            if value is not None:
                high, end = y + _BAR * number, x_of(value)
                shapes += [
                    _box(_LEFT, high, end - _LEFT, _BAR - 3, COLOURS[number]),
                    _text(end + 5, high + 11, _figure(value)),
                ]
    return _svg("Time to verify a token, beside other libraries", height, shapes)


def growth_chart(points: Sequence[Point]) -> str:
    """Two panels: the cost of a verify without and with the replica, and its memory."""
    panels = (
        ("Microseconds for one verify", 40, (("no check of revocations", 5), ("replica", 0))),
        ("MiB of memory", 430, (("replica", 0),)),
    )
    shapes: list[str] = []
    for title, left, lines in panels:
        series = [
            (name, COLOURS[colour], [_reading(point, title, name) for point in points])
            for name, colour in lines
        ]
        shapes += _panel(title, left, series, [point.entries for point in points])
    return _svg("The cost of a check as revocations grow", 300, shapes)


def _reading(point: Point, title: str, name: str) -> float:
    if title.startswith("MiB"):
        return point.mib
    return point.with_us if name == "replica" else point.without_us


def _panel(
    title: str, left: int, series: list[tuple[str, str, list[float]]], entries: Sequence[int]
) -> Iterator[str]:
    width, top, bottom = 290, 64, 250
    most = max(max(values) for _, _, values in series) * 1.15 or 1.0
    step = width / max(len(entries) - 1, 1)

    def y_of(value: float) -> float:
        return bottom - (bottom - top) * value / most

    yield _text(left - 40, 16, title, "title")
    for share in (0.0, 0.5, 1.0):
        value = most * share
        yield _line(left, y_of(value), left + width, y_of(value))
        yield _text(left - 6, y_of(value) + 4, _figure(value) if share else "0", anchor="end")
    for number, count in enumerate(entries):
        yield _text(left + step * number, bottom + 20, _short(count), anchor="middle")
    yield _text(left + width / 2, bottom + 42, "revocations", anchor="middle")
    for number, (name, colour, values) in enumerate(series):
        at = " ".join(f"{left + step * n:.1f},{y_of(value):.1f}" for n, value in enumerate(values))
        yield f'<polyline class="line" stroke="{colour}" points="{at}"/>'
        yield _text(
            left + step * (len(values) - 1), y_of(values[-1]) - 8, _figure(values[-1]), "", "end"
        )
        yield _box(left - 40 + 190 * number, 28, 11, 11, colour)
        yield _text(left - 24 + 190 * number, 38, name)


def _short(count: int) -> str:
    """A count in a few characters: 10k, 1M."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if count >= size:
            return f"{count // size}{letter}"
    return str(count)


def _figure(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}" fill="{colour}"/>'


def _line(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<line class="grid" x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"/>'


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    told = f' class="{kind}"' if kind else ""
    return f'<text{told} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _svg(title: str, height: float, shapes: Sequence[str]) -> str:
    lines = "\n".join(shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" '
        f'role="img" aria-label="{escape(title)}">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n{lines}\n</svg>\n"
    )
