"""What the choice between JWTs and opaque tokens costs; the figures of docs/jwt-or-session.md."""

import platform
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

import psycopg
import pytest
import redis

from benchmarks.choice_page import FORMATS, STORES, WAYS, Choice, format_rows, way_rows
from benchmarks.logs import LOGS, open_store
from benchmarks.scene import AUDIENCE, ISSUER, OWN_CLAIMS
from benchmarks.table import show_table
from benchmarks.timing import interleave, timer_of
from gatepass import TokenManager, TokenPolicy
from gatepass.errors import TokenRevoked
from gatepass.jose import SharedKey, SigningKey
from gatepass.revocations import Replica, replica_of

_LOOK_S: Final = 0.00002
_OWN: Final = {
    name: value for name, value in OWN_CLAIMS.items() if name not in {"client_id", "auth_time"}
}


class Counting:
    """A store that counts its calls."""

    def __init__(self, store: Any) -> None:
        self.inner, self.calls = store, 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if not callable(found):
            return found

        def call(*args: Any, **keywords: Any) -> Any:
            self.calls += 1
            return found(*args, **keywords)

        return call


def measure_choice(*, rounds: int, part: int = 1) -> Choice | None:
    """Measure all of it and print the tables; `None` where a database is missing."""
    found = _measure_formats(rounds=rounds)
    try:
        found |= _measure_stores(rounds=rounds, sessions=max(5_000 // part, 100))
    except (pytest.skip.Exception, pytest.fail.Exception) as reason:
        print(f"\nJWT or session: {reason}")
        return None
    words = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    choice = Choice(**found, run=words)
    for title, rows in (("Formats", format_rows(choice)), ("Ways", way_rows(choice))):
        show_table(f"JWT or session: {title}", *rows)
    return choice


def _measure_formats(*, rounds: int) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {
        name: {} for name in ("access_bytes", "refresh_bytes", "first_us", "seen_us")
    }
    timers = {}
    with ExitStack() as stack:
        url, _ = stack.enter_context(LOGS["SQLite"]())
        store = stack.enter_context(closing(open_store(url)))
        for form in FORMATS:
            manager = _manager(form, store, revocations=_Nothing())
            cold = _manager(form, store, revocations=_Nothing(), remember=0, like=manager)
            pair = manager.issue("6f1c2c1e-7d1b-4a57-9a51-3f1f5a3c2b10", _OWN)
            found["access_bytes"][form] = len(pair.access_token)
            found["refresh_bytes"][form] = len(pair.refresh_token)
            timers[form, "first"] = timer_of(partial(cold.verify, pair.access_token))
            timers[form, "seen"] = timer_of(partial(manager.verify, pair.access_token))
        taken = interleave({f"{a} {b}": timer for (a, b), timer in timers.items()}, rounds=rounds)
    for form in FORMATS:
        found["first_us"][form] = taken[f"{form} first"]
        found["seen_us"][form] = taken[f"{form} seen"]
    return found


def _measure_stores(*, rounds: int, sessions: int) -> dict[str, Any]:
    by_store: dict[str, dict[str, dict[str, float]]] = {
        name: {store: {} for store in STORES} for name in ("check_us", "delay_ms", "session_bytes")
    }
    reads: dict[str, int] = {}
    refreshes: dict[str, int] = {}
    for name in STORES:
        with LOGS[name]() as (url, _), closing(open_store(url)) as store:
            with _fresh_replica(store) as replica:
                checks: dict[str, Any] = {"no check": _Nothing(), "replica": replica}
                managers = {
                    way: _manager("opaque" if way == "opaque" else "HS256", store, checks.get(way))
                    for way in WAYS
                }
                tokens = {way: managers[way].issue("ada", _OWN).access_token for way in WAYS}
                timers = {way: timer_of(partial(managers[way].verify, tokens[way])) for way in WAYS}
                by_store["check_us"][name] = interleave(timers, rounds=rounds)
            with closing(open_store(url)) as other:
                by_store["delay_ms"][name] = {
                    way: _delay_of(way, store, other, url, rounds) for way in WAYS[1:]
                }
            for way in WAYS:
                reads[way], refreshes[way] = _count(way, store)
        for form, ways in (("HS256", WAYS[:3]), ("opaque", WAYS[3:])):
            with LOGS[name]() as (url, _), closing(open_store(url)) as store:
                size = _bytes_per_session(name, url, _manager(form, store), sessions)
                by_store["session_bytes"][name] |= dict.fromkeys(ways, size)
    return {**by_store, "reads_per_request": reads, "calls_per_refresh": refreshes}


@contextmanager
def _fresh_replica(store: Any) -> Iterator[Any]:
    """The replica of a store once it is complete; the one of SQLite asks the store."""
    with ExitStack() as stack:
        replica: Any = replica_of(store)
        if isinstance(replica, Replica):
            stack.enter_context(replica)
            while not replica.fresh():
                time.sleep(0.005)
        yield replica


def _delay_of(way: str, store: Any, other: Any, url: str, rounds: int) -> float:
    """The median of the milliseconds until a manager rejects what another store revoked."""
    with ExitStack() as stack:
        replica = None
        if way == "replica":
            replica = stack.enter_context(
                _fresh_replica(stack.enter_context(closing(open_store(url))))
            )
        manager = _manager("opaque" if way == "opaque" else "HS256", store, replica)
        late = []
        for _ in range(rounds):
            pair = manager.issue("ada", _OWN)
            manager.verify(pair.access_token)
            other.revoke_session(pair.session_id, reason="bench")
            acknowledged, looks = time.perf_counter(), 0
            while not _is_rejected(manager, pair.access_token):
                looks += 1
                time.sleep(_LOOK_S)  # so that the replica's thread gets its turn
            late.append((time.perf_counter() - acknowledged) * 1000 if looks else 0.0)
    return median(late)


def _is_rejected(manager: TokenManager, token: str) -> bool:
    try:
        manager.verify(token)
    except TokenRevoked:
        return True
    return False


def _count(way: str, store: Any) -> tuple[int, int]:
    """The calls of the store that a request makes, and a refresh."""
    counting: Any = Counting(store)
    check = None if way in {"direct", "opaque"} else _Nothing()
    manager = _manager("opaque" if way == "opaque" else "HS256", counting, check)
    pair = manager.issue("ada", _OWN)
    before = counting.calls
    manager.verify(pair.access_token)
    reads = counting.calls - before
    manager.refresh(pair.refresh_token)
    return reads, counting.calls - before - reads


def _bytes_per_session(name: str, url: str, manager: TokenManager, sessions: int) -> float:
    with _SIZES[name](url) as size:
        before: float = size()
        for number in range(sessions):
            manager.issue(f"user-{number}", _OWN)
        grown: float = size() - before
        return grown / sessions


@contextmanager
def _sqlite_size(url: str) -> Iterator[Callable[[], float]]:
    path = Path(url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path)) as connection:

        def size() -> float:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return path.stat().st_size

        yield size


@contextmanager
def _postgres_size(url: str) -> Iterator[Callable[[], float]]:
    query = (
        "SELECT sum(pg_total_relation_size(oid)) FROM pg_class "
        "WHERE relname IN ('gatepass_sessions', 'gatepass_opaque_tokens')"
    )
    with psycopg.connect(url, autocommit=True) as connection:

        def size() -> float:
            row = connection.execute(query).fetchone()
            assert row is not None
            return float(row[0])

        yield size


@contextmanager
def _redis_size(url: str) -> Iterator[Callable[[], float]]:
    with redis.Redis.from_url(url) as client:
        yield lambda: float(client.info("memory")["used_memory_dataset"])


_SIZES: Final[dict[str, Callable[[str], Any]]] = {
    "SQLite": _sqlite_size,
    "PostgreSQL": _postgres_size,
    "Redis": _redis_size,
}


class _Nothing:
    """Revocations of which nobody is told."""

    is_async = False

    def is_revoked(self, *_: object) -> bool:
        """Nothing is revoked."""
        return False


def _manager(
    form: str, store: Any, revocations: Any = None, *, like: Any = None, **options: Any
) -> TokenManager:
    policy = TokenPolicy(
        issuer=ISSUER,
        audience=AUDIENCE,
        max_sessions=1000,
        access_format="opaque" if form == "opaque" else "jwt",
    )
    if like is not None:
        access, refresh = like.access_keys, like._planner.refresh_keys  # noqa: SLF001
    else:
        access = SharedKey.generate() if form in {"HS256", "opaque"} else SigningKey.generate(form)
        refresh = SharedKey.generate()
    return TokenManager(
        policy,
        access_keys=access,
        refresh_keys=refresh,
        store=store,
        revocations=revocations,
        **options,
    )
