"""The time added per protected request over an unprotected route of the same framework.

Applications are called in this process, without a socket, so that what is measured is theirs.
All verify HS256, expiry, issuer and audience, and ask whether the token was revoked: gatepass
its replica of the log, the others a set in memory. fastapi-users looks neither at an issuer nor
at revocations, which is left as it is.
"""

import asyncio
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.frameworks.callers import asgi_timer, require_guarded, wsgi_timer
from benchmarks.frameworks.django_apps import django_apps, rest_apps
from benchmarks.frameworks.fastapi_apps import fastapi_apps
from benchmarks.frameworks.flask_apps import flask_apps
from benchmarks.frameworks.stage import BASE, GATEPASS, App, make_stage
from benchmarks.table import Target, microseconds, show_table
from benchmarks.timing import Timer, compare

_AT_MOST = 0.5


@dataclass(frozen=True, slots=True)
class _Framework:
    name: str
    apps: Mapping[str, App]


def measure_frameworks(*, rounds: int) -> list[Target]:
    """Call every application with its token, print what each adds."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        stage = make_stage(Path(folder))
        frameworks = (
            _Framework("FastAPI", fastapi_apps(stage)),
            _Framework("Flask", flask_apps(stage)),
            _Framework("Django", django_apps(stage)),
            _Framework("Django REST framework", rest_apps(stage)),
        )
        return [_measure(framework, runner, rounds) for framework in frameworks]


def _measure(framework: _Framework, runner: asyncio.Runner, rounds: int) -> Target:
    timers = {name: _timer(app, runner) for name, app in framework.apps.items()}
    base = timers.pop(BASE)
    added = {name: compare(timer, base, rounds=rounds)[1] for name, timer in timers.items()}
    rows = [[name, microseconds(value)] for name, value in added.items()]
    title = f"{framework.name}: median microseconds added to an unprotected route"
    show_table(title, ["", "added"], rows)
    ours = added.pop(GATEPASS)
    best = min(added, key=added.__getitem__)
    ratio = ours / added[best]
    return Target(
        f"time added in {framework.name}, to {best}'s",
        f"{ratio:.2f}x",
        f"<= {_AT_MOST:g}x",
        ratio <= _AT_MOST,
    )


def _timer(app: App, runner: asyncio.Runner) -> Timer:
    require_guarded(app, runner)
    return asgi_timer(app, runner) if app.is_asgi else wsgi_timer(app)
