"""The figures of docs/jwt-or-session.md, and its tables."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.page import table, write_section
from benchmarks.table import microseconds

PAGE: Final = Path(__file__).parent.parent / "docs" / "jwt-or-session.md"
FIGURES: Final = PAGE.with_suffix(".json")
FORMATS: Final = ("HS256", "RS256", "ES256", "opaque")
STORES: Final = ("SQLite", "PostgreSQL", "Redis")
WAYS: Final = ("no check", "replica", "direct", "opaque")
"""How a service learns of revocations: not at all, from a copy, from the store, by the token."""

_MILLION: Final = 1_000_000
_MIB: Final = 1 << 20
_MINUTE_S: Final = 60
_LIFE_S: Final = 900


@dataclass(frozen=True, slots=True)
class Choice:
    """One run's figures; by format, by way, or by store and way."""

    access_bytes: dict[str, int]
    refresh_bytes: dict[str, int]
    first_us: dict[str, float]
    """The first check of a token; for opaque ones every check, on SQLite."""
    seen_us: dict[str, float]
    check_us: dict[str, dict[str, float]]
    reads_per_request: dict[str, int]
    calls_per_refresh: dict[str, int]
    delay_ms: dict[str, dict[str, float]]
    """From the acknowledged revocation to the first rejection in another process' manager."""
    session_bytes: dict[str, dict[str, float]]
    """A session with its current access token, in the store."""
    run: str


def write_choice(choice: Choice) -> None:
    """Keep the figures beside the guide, and write its tables."""
    FIGURES.write_bytes(msgspec.json.format(msgspec.json.encode(asdict(choice)), indent=1) + b"\n")
    for name, rows in (("formats", format_rows(choice)), ("ways", way_rows(choice))):
        write_section(PAGE, name, table(*rows))


def format_rows(choice: Choice) -> tuple[list[str], list[list[str]]]:
    """The table by format: head and rows."""
    rows = [
        ["access token, bytes", *(f"{choice.access_bytes[each]:,}" for each in FORMATS)],
        ["refresh token, bytes", *(f"{choice.refresh_bytes[each]:,}" for each in FORMATS)],
        ["first check, µs", *(microseconds(choice.first_us[each]) for each in FORMATS)],
        ["later checks, µs", *(microseconds(choice.seen_us[each]) for each in FORMATS)],
    ]
    return ["", *FORMATS], rows


def way_rows(choice: Choice) -> tuple[list[str], list[list[str]]]:
    """The table by way of checking: head and rows."""
    rows = [
        [f"check with {store}, µs", *(microseconds(choice.check_us[store][way]) for way in WAYS)]
        for store in STORES
    ]
    rows.append(
        ["calls of the store per request", *(str(choice.reads_per_request[way]) for way in WAYS)]
    )
    rows += [
        [f"a revocation holds after, {store}", *(_delay(choice, store, way) for way in WAYS)]
        for store in STORES
    ]
    rows += [
        [
            f"{store}, MiB for a million sessions",
            *(f"{choice.session_bytes[store][way] * _MILLION / _MIB:,.0f}" for way in WAYS),
        ]
        for store in STORES
    ]
    rows.append(
        [
            "calls of the store per second, a million users with a request a minute",
            *(f"{_load(choice, way):,.0f}" for way in WAYS),
        ]
    )
    return ["", "JWT, no check", "JWT, replica", "JWT, direct", "opaque"], rows


def _load(choice: Choice, way: str) -> float:
    return _MILLION * (
        choice.reads_per_request[way] / _MINUTE_S + choice.calls_per_refresh[way] / _LIFE_S
    )


def _delay(choice: Choice, store: str, way: str) -> str:
    if way == "no check":
        return f"{_LIFE_S // 60} min"
    taken = choice.delay_ms[store][way]
    return "at once" if taken == 0 else f"{taken:.1f} ms"
