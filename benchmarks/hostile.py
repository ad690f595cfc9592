"""The worst time per byte over hostile shapes: twice the size must not take much over twice."""

import base64
import contextlib
from collections.abc import Callable
from itertools import pairwise

from benchmarks.scene import AUDIENCE, ISSUER
from benchmarks.table import Target, microseconds, show_table
from benchmarks.timing import Timer, interleave, timer_of
from gatepass import TokenVerifier
from gatepass.errors import GatepassError
from gatepass.jose import KeySet, SharedKey, sign

SIZES = (1024, 2048, 4096, 8192)
AT_MOST = 2.5
_HEAD = '{"alg":"HS256","typ":"at+jwt"}'

Shape = Callable[[int], str]
"""A token text of about so many characters, never more."""
Filler = Callable[[int], str]
"""A JSON text of about so many bytes, never more."""


def _segment(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _filled(open_with: str, pattern: str, close_with: str) -> Filler:
    """A pattern repeated between two ends."""

    def fill(room: int) -> str:
        times = (room - len(open_with) - len(close_with)) // len(pattern)
        return open_with + pattern * times + close_with

    return fill


def _nested(left: str, right: str) -> Filler:
    """Brackets that are all closed again."""

    def fill(room: int) -> str:
        depth = (room - 1) // len(left + right)
        return left * depth + "1" + right * depth

    return fill


def _many_names(room: int) -> str:
    """An object of different names."""
    names = [f'"n{number:06}":0' for number in range((room - 2) // len('"n000000":0,'))]
    return "{" + ",".join(names) + "}"


def _header(fill: Filler) -> Shape:
    """A header of hostile JSON, before any signature has been checked."""

    def make(size: int) -> str:
        rest = f".e30.{'A' * 32}"
        return _segment(fill((size - len(rest)) * 3 // 4)) + rest

    return make


def _signed(key: SharedKey, fill: Filler) -> Shape:
    """A claim of hostile JSON under a signature that holds."""
    # Only what a verifier cannot do without, so that twice the size is twice the hostile part.
    start = f'{{"iss":"{ISSUER}","aud":"{AUDIENCE}","sub":"a","exp":9999999999,"x":'

    def make(size: int) -> str:
        room = (size - len(_segment(_HEAD)) - 45) * 3 // 4 - len(start) - 1
        return sign(f"{start}{fill(room)}}}".encode(), key, typ="at+jwt")

    return make


def shapes(key: SharedKey) -> dict[str, Shape]:
    """All hostile shapes by name; the signed ones with this key."""
    return {
        "dots": lambda size: "." * size,
        "no dots": lambda size: "A" * size,
        "header of base64 noise": lambda size: f"{'Zm9v' * (size // 4 - 3)}.e30.AAAA",
        "payload of base64 noise": lambda size: (
            f"{_segment(_HEAD)}.{'Zm9v' * ((size - 90) // 4)}.{'A' * 43}"
        ),
        "signature of base64 noise": lambda size: (
            f"{_segment(_HEAD)}.e30.{'Zm9v' * ((size - 50) // 4)}"
        ),
        "header of open brackets": _header(_filled("", "[", "")),
        "header of nested objects": _header(_filled("", '{"a":', "")),
        "header of many names": _header(_many_names),
        "header of one long name": _header(_filled('{"', "a", '":1}')),
        "header of escapes": _header(_filled('{"alg":"', "\\u0041", '"}')),
        "header of surrogates": _header(_filled('{"alg":"', "\\ud83d\\ude00", '"}')),
        "header of a big number": _header(_filled('{"alg":', "9", "}")),
        "header of blanks": _header(_filled(" ", " ", "{}")),
        "signed nested lists": _signed(key, _nested("[", "]")),
        "signed nested objects": _signed(key, _nested('{"a":', "}")),
        "signed list of zeros": _signed(key, _filled("[0", ",0", "]")),
        "signed list of objects": _signed(key, _filled("[{}", ",{}", "]")),
        "signed list of fractions": _signed(key, _filled("[1.5e3", ",1.7976931348623157e308", "]")),
        "signed big number": _signed(key, _filled("1", "9", "")),
        "signed numbers in a text": _signed(key, _filled('"', "9" * 49 + "x", '"')),
        "signed big fraction": _signed(key, _filled("1.", "9", "e9")),
        "signed escapes": _signed(key, _filled('"', "\\u0041", '"')),
        "signed surrogates": _signed(key, _filled('"', "\\ud83d\\ude00", '"')),
        "signed plain text": _signed(key, _filled('"', "a", '"')),
        "signed many names": _signed(key, _many_names),
        "signed name again and again": _signed(key, _filled('{"a":1', ',"a":1', "}")),
        "signed blanks": _signed(key, _filled(" 1", " ", "")),
    }


def measure_hostile(*, rounds: int) -> list[Target]:
    """Time every shape at every size, print the worst, answer the growth per doubling."""
    key = SharedKey.generate()
    verifier = TokenVerifier(
        KeySet(key, *(SharedKey.generate() for _ in range(7))),
        issuer=ISSUER,
        audience=AUDIENCE,
        remember=0,
    )
    timers: dict[str, Timer] = {}
    for name, shape in shapes(key).items():
        for size in SIZES:
            token = shape(size)
            assert size * 0.9 < len(token) <= size, (name, size, len(token))
            timers[f"{name} {size}"] = timer_of(_refusable(verifier, token))
    taken = interleave(timers, rounds=rounds, slice_ms=1, choose=min)
    by_shape = {name: [taken[f"{name} {size}"] for size in SIZES] for name in shapes(key)}
    return _show(by_shape)


def _refusable(verifier: TokenVerifier, token: str) -> Callable[[], None]:
    def work() -> None:
        with contextlib.suppress(GatepassError):
            verifier.verify(token)

    return work


def _show(by_shape: dict[str, list[float]]) -> list[Target]:
    head = ["", *(f"{size // 1024} KiB" for size in SIZES), "ns/byte at 8 KiB", "per doubling"]
    rows = []
    for name, times in sorted(by_shape.items(), key=lambda item: -item[1][-1]):
        per_byte = times[-1] / SIZES[-1] * 1000
        rows.append([name, *map(microseconds, times), f"{per_byte:.2f}", f"{_growth(times):.2f}x"])
    worst = [max(times[at] for times in by_shape.values()) for at in range(len(SIZES))]
    each_byte = [time / size * 1000 for time, size in zip(worst, SIZES, strict=True)]
    rows.append(["worst of all", *map(microseconds, worst), "", f"{_growth(worst):.2f}x"])
    rows.append(["worst, ns per byte", *(f"{each:.2f}" for each in each_byte), "", ""])
    show_table("Hostile shapes: microseconds until the answer, best of the rounds", head, rows)
    growth, name = max((_growth(times), name) for name, times in by_shape.items())
    return [
        Target(what, measured, f"<= {AT_MOST:g}x", factor <= AT_MOST)
        for what, measured, factor in (
            ("worst time per doubling", f"{_growth(worst):.2f}x", _growth(worst)),
            ("worst time per doubling, any shape", f"{growth:.2f}x ({name})", growth),
        )
    ]


def _growth(times: list[float]) -> float:
    """The largest factor between one size and the next."""
    return max(large / small for small, large in pairwise(times))
