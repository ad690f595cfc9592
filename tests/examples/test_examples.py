"""Each example is started with a real server, and goes through everything it shows."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gatepass.server.secrets import generate_secret
from tests.budget import PATIENCE_S
from tests.project.files import ROOT
from tests.server.running import environment, free_port
from tests.servers.programs import program_of, until_answered

pytestmark = pytest.mark.programs

EXAMPLES = ROOT / "examples"
PASSWORD = "correct horse battery"
UVICORN = ("uvicorn", "--no-proxy-headers")
GUNICORN = ("gunicorn", "--forwarded-allow-ips", "")
PROGRAMS: dict[str, tuple[str, ...]] = {
    "asgi": (*UVICORN, "asgi_app:app", "--port"),
    "fastapi": (*UVICORN, "fastapi_app:app", "--port"),
    "flask": (*GUNICORN, "flask_app:app", "-b"),
    "django": (*GUNICORN, "project:application", "-b"),
}
SET_UP = (
    ("check", "--fail-level", "WARNING"),
    ("migrate", "-v0"),
    ("gatepass_upgrade",),
    ("createsuperuser", "--noinput", "--username", "ada", "--email", "ada@example.com"),
)


@pytest.fixture(params=PROGRAMS)
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[httpx.Client]:
    """The example under way, from a folder that is not its own."""
    name, port = request.param, free_port()
    folder = EXAMPLES / "django_project" if name == "django" else EXAMPLES
    variables = environment(
        {
            "JWT_ACCESS_SECRET": generate_secret(),
            "JWT_REFRESH_SECRET": generate_secret(),
            "DATABASE_URL": f"sqlite:///{tmp_path}/gate.db",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        }
    )
    variables["PYTHONPATH"] += f":{folder}"
    variables.pop("DJANGO_SETTINGS_MODULE", None)  # of tests that ran before in this process
    for words in SET_UP if name == "django" else ():
        manage = [sys.executable, str(folder / "manage.py"), *words]
        subprocess.run(manage, cwd=tmp_path, env=variables, check=True, timeout=PATIENCE_S)
    bind = f"127.0.0.1:{port}" if "gunicorn" in PROGRAMS[name] else str(port)
    log = tmp_path / "log"
    command = [sys.executable, "-m", *PROGRAMS[name], bind]
    with (
        log.open("wb") as opened,
        program_of(command, cwd=tmp_path, env=variables, stderr=opened) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        until_answered(process, f"{client.base_url}/.well-known/jwks.json", log)
        yield client


def test_an_example_does_what_it_shows(client: httpx.Client) -> None:
    form = {"username": "ada", "password": PASSWORD}
    wrong = client.post("/auth/login", json=form | {"password": "wrong"})
    pair = client.post("/auth/login", json=form).json()
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    answers = [
        client.get("/profile", headers=bearer),
        client.get("/admin", headers=bearer),
        client.post("/transfer", headers=bearer),
    ]
    body = {"refresh_token": pair["refresh_token"]}
    refreshed = client.post("/auth/refresh", json=body)
    out = client.post("/auth/logout", headers=bearer)

    assert wrong.status_code == 401
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.json()["subject"] for answer in answers}) == 1
    assert refreshed.status_code == out.status_code == 200
    assert client.get("/profile", headers=bearer).json()["code"] == "token_revoked"
    assert client.get("/profile").json()["code"] == "token_missing"
