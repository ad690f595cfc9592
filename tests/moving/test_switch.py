"""Applications of Flask-JWT-Extended and simplejwt move in while their users go on.

The clients know the routes of the old library. They keep the refresh token of an answer that
has one, as clients of rotating tokens do.
"""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from gatepass.server.secrets import generate_secret
from tests.budget import LONG, PATIENCE_S, until
from tests.project.files import ROOT
from tests.server.running import environment, free_port
from tests.servers.programs import program_of, until_answered

pytestmark = pytest.mark.workers

APPS = "tests.moving"
USERS = 500 if LONG else 50
ROUNDS = 3
PASSWORD = "correct horse battery"
KINDS = {"flask": "flask-jwt-extended", "django": "simplejwt"}
CREATE_USERS = f"""
import sys, django
django.setup()
from django.contrib.auth.models import User
for name in sys.argv[1:]:
    User.objects.create_user(name, password={PASSWORD!r})
"""


class World:
    """Two versions of one application over the same databases, and the address in use."""

    def __init__(self, framework: str, folder: Path) -> None:
        self.framework = framework
        self.folder = folder
        self.base = ""
        self.gate = folder / "gate.db"
        self.variables = environment(
            {
                "JWT_ACCESS_SECRET": generate_secret(),
                "JWT_REFRESH_SECRET": generate_secret(),
                "JWT_LEGACY_SECRET": generate_secret(),
                "JWT_LEGACY_KIND": KINDS[framework],
                "DATABASE_URL": f"sqlite:///{self.gate}",
                "DJANGO_DATABASE": str(folder / "django.db"),
            }
        )
        self.variables["PYTHONPATH"] += f":{ROOT}"

    def manage(self, version: str, *arguments: str) -> None:
        """Run Python with the settings of one version of the project."""
        variables = self.variables | {"DJANGO_SETTINGS_MODULE": f"{APPS}.django_{version}"}
        command = [sys.executable, *arguments]
        subprocess.run(command, cwd=self.folder, env=variables, check=True, timeout=PATIENCE_S)

    def set_up(self, names: list[str]) -> None:
        """Make the databases, and Django's users."""
        if self.framework == "django":
            self.variables["JWT_LEGACY_UNTIL"] = later(1)
            self.manage("before", "-m", "django", "migrate", "-v0")
            self.manage("before", "-c", CREATE_USERS, *names)
            self.manage("after", "-m", "django", "gatepass_upgrade")

    @contextmanager
    def running(self, version: str, days: int = 1) -> Iterator[str]:
        """One version of the application; legacy tokens end so many days from now."""
        port, log = free_port(), self.folder / f"log of {version} {days}"
        module = f"{APPS}.{self.framework}_{version}"
        name = (
            f"{module}:app"
            if self.framework == "flask"
            else "django.core.wsgi:get_wsgi_application()"
        )
        variables = self.variables | {"JWT_LEGACY_UNTIL": later(days)}
        if self.framework == "django":
            variables["DJANGO_SETTINGS_MODULE"] = module
        command = [sys.executable, "-m", "gunicorn", name, "-b", f"127.0.0.1:{port}"]
        command += ["--workers", "2", "--threads", "8", "--forwarded-allow-ips", ""]
        url = f"http://127.0.0.1:{port}"
        with (
            log.open("wb") as opened,
            program_of(command, cwd=self.folder, env=variables, stderr=opened) as process,
        ):
            until_answered(process, f"{url}/me", log)
            yield url
            process.terminate()
            process.wait(PATIENCE_S)


def later(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


@dataclass
class User:
    """One client, which goes on as clients do: it uses its access token, and refreshes it."""

    world: World
    name: str
    access: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    legacy: tuple[str, str] = field(default=("", ""), repr=False)
    """The last tokens of the old library."""
    rounds: int = 0
    on_gatepass: int = 0

    def ask(
        self, base: str, method: str, path: str, *, token: str = "", **body: str
    ) -> httpx.Response:
        """An answer; what is not available for a moment is asked again."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        while True:
            answer = httpx.request(
                method, base + path, headers=headers, json=body or None, timeout=PATIENCE_S
            )
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                return answer

    def log_in(self) -> None:
        form = {"username": self.name, "password": PASSWORD}
        pair = self.ask(self.world.base, "POST", "/login", **form).json()
        self.access, self.refresh_token = pair["access"], pair["refresh"]

    def me(self, base: str, token: str) -> int:
        answer = self.ask(base, "GET", "/me", token=token)
        if answer.status_code == httpx.codes.OK:
            assert answer.json() == {"name": self.name}
        return answer.status_code

    def refresh(self, base: str, token: str) -> httpx.Response:
        if self.world.framework == "flask":
            return self.ask(base, "POST", "/refresh", token=token)
        return self.ask(base, "POST", "/refresh", refresh=token)

    def go_on(self, after: str) -> None:
        """Use and refresh tokens, until several refreshes were gatepass's."""
        while self.on_gatepass < ROUNDS:
            base = self.world.base
            assert self.me(base, self.access) == httpx.codes.OK, self
            answer = self.refresh(base, self.refresh_token)
            assert answer.status_code == httpx.codes.OK, (self, answer.text)
            pair = answer.json()
            if base == after and self.on_gatepass == 0:
                self.legacy = self.access, self.refresh_token
                again = self.refresh(base, self.refresh_token).json()
                assert again["refresh"] == pair["refresh"], self
            self.access = pair["access"]
            self.refresh_token = pair.get("refresh", self.refresh_token)
            self.on_gatepass += base == after
            self.rounds += 1


@pytest.mark.parametrize("framework", KINDS)
def test_nobody_is_logged_out_and_after_the_date_nothing_is_accepted(
    framework: str, tmp_path: Path
) -> None:
    world = World(framework, tmp_path)
    users = [User(world, f"user{number}") for number in range(USERS)]
    world.set_up([user.name for user in users])

    with (
        world.running("before") as before,
        world.running("after") as after,
        ThreadPoolExecutor(USERS) as threads,
    ):
        world.base = before
        list(threads.map(User.log_in, users))
        going = [threads.submit(user.go_on, after) for user in users]
        until(lambda: all(user.rounds for user in users) or any(map(_failed, going)))
        world.base = after
        for each in going:
            each.result(PATIENCE_S)

    with closing(sqlite3.connect(world.gate)) as database:
        [counted] = database.execute("SELECT count(*) FROM gatepass_sessions").fetchall()
    assert counted == (USERS,)

    with world.running("after", days=-1) as base:
        for user in users:
            access, refresh = user.legacy
            assert user.me(base, user.access) == httpx.codes.OK
            assert user.me(base, access) == httpx.codes.FORBIDDEN
            assert user.refresh(base, refresh).status_code == httpx.codes.UNAUTHORIZED
            assert user.refresh(base, user.refresh_token).status_code == httpx.codes.OK


def _failed(future: Any) -> bool:
    return future.done() and future.exception() is not None
