"""What a revocation check on SQLite adds to a verify, sync and async."""

import asyncio
import secrets
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import repeat
from pathlib import Path
from time import perf_counter_ns

from benchmarks.scene import AUDIENCE, ISSUER, OWN_CLAIMS
from benchmarks.table import Target, microseconds, show_table
from benchmarks.timing import Timer, compare, interleave, timer_of
from gatepass import AsyncTokenVerifier, TokenManager, TokenPolicy, TokenVerifier
from gatepass.jose import KeySet, SharedKey
from gatepass.sessions import AsyncRevocations, Revocations
from gatepass.stores.sql import AsyncSqlStore, SqlStore

SESSIONS = 300
REVOKED = 100
_AT_MOST = {"direct": 100.0}
_OWN = {name: value for name, value in OWN_CLAIMS.items() if name not in {"client_id", "auth_time"}}


def measure_revocation(*, rounds: int) -> list[Target]:
    """Verify the same token without and with each check, print what each adds."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        keys = KeySet(SharedKey.generate())
        token = _fill(url, keys)
        timers = {
            **_sync_timers(SqlStore.from_url(url), keys, token),
            **_async_timers(AsyncSqlStore.from_url(url), keys, token, runner),
        }
        taken = interleave(timers, rounds=rounds)
        pairs = {
            (twin, kind): compare(timers[f"{twin} {kind}"], timers[f"{twin} none"], rounds=rounds)
            for twin in ("sync", "async")
            for kind in _AT_MOST
        }
    rows, targets = [], []
    for twin in ("sync", "async"):
        bare = taken[f"{twin} none"]
        rows.append([f"{twin}, no check", microseconds(bare), ""])
        for kind, at_most in _AT_MOST.items():
            _, added = pairs[twin, kind]
            rows.append([f"{twin}, {kind}", microseconds(taken[f"{twin} {kind}"]), f"+{added:.2f}"])
            what = f"revocation check, SQLite, {twin}, {kind}"
            targets.append(Target(what, f"+{added:.2f} us", f"<= {at_most:g} us", added <= at_most))
    title = f"HS256 verify with a revocation check, {SESSIONS} sessions, {REVOKED} revoked"
    show_table(f"{title}: median microseconds", ["", "verify", "added"], rows)
    return targets


def _fill(url: str, keys: KeySet) -> str:
    """Put sessions into a new database; an access token of one that lives."""
    policy = TokenPolicy(issuer=ISSUER, audience=AUDIENCE, max_sessions=SESSIONS)
    store = SqlStore.from_url(url)
    refresh_keys = SharedKey.generate()
    with TokenManager(policy, access_keys=keys, refresh_keys=refresh_keys, store=store) as manager:
        for number in range(SESSIONS):
            pair = manager.issue(secrets.token_hex(8), _OWN)
            if number < REVOKED:
                manager.revoke_session(pair.session_id, reason="bench")
        manager.verify(pair.access_token)
        return pair.access_token


def _sync_timers(store: SqlStore, keys: KeySet, token: str) -> dict[str, Timer]:
    checks: dict[str, Revocations | None] = {
        "none": None,
        "direct": store,
    }
    timers: dict[str, Timer] = {}
    for kind, check in checks.items():
        verifier = TokenVerifier(keys, issuer=ISSUER, audience=AUDIENCE, revocations=check)
        timers[f"sync {kind}"] = timer_of(partial(verifier.verify, token))
    return timers


def _async_timers(
    store: AsyncSqlStore, keys: KeySet, token: str, runner: asyncio.Runner
) -> dict[str, Timer]:
    checks: dict[str, AsyncRevocations | None] = {
        "none": None,
        "direct": store,
    }
    timers: dict[str, Timer] = {}
    for kind, check in checks.items():
        verifier = AsyncTokenVerifier(keys, issuer=ISSUER, audience=AUDIENCE, revocations=check)
        timers[f"async {kind}"] = _async_timer(verifier.verify, token, runner)
    return timers


def _async_timer(
    verify: Callable[[str], Awaitable[object]], token: str, runner: asyncio.Runner
) -> Timer:
    """A timer whose loop runs inside the event loop."""

    async def loop(loops: int) -> float:
        started = perf_counter_ns()
        for _ in repeat(None, loops):
            await verify(token)
        return (perf_counter_ns() - started) / loops

    return lambda loops: runner.run(loop(loops))
