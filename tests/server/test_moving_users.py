"""A Django project moves in: the page's own script, the command, the server, real costs."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.budget import PATIENCE_S
from tests.project.documents import FILE, parse_blocks
from tests.project.files import ROOT
from tests.server.running import environment, gatepass, serving

pytestmark = pytest.mark.programs

_SETTINGS = """
SECRET_KEY = "of the project"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "django.db"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
"""
_MAKE = """
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
User.objects.create_user("Ada", "ada@example.com", "purple-kettle-sings", is_staff=True)
bob = User(username="bob", password=make_password("green-teapot-hums", hasher="pbkdf2_sha256"))
bob.save()
User(username="eve", is_active=False, password=bob.password).save()
User.objects.create_user("sso")
"""


def run(here: Path, *arguments: str, stdin: str = "") -> None:
    subprocess.run(
        [sys.executable, "-m", "django", *arguments, "--settings=project"],
        cwd=here,
        env=environment(),
        input=stdin,
        text=True,
        check=True,
        capture_output=True,
        timeout=PATIENCE_S,
    )


def test_users_of_a_django_project_log_in_with_their_passwords(here: Path) -> None:
    (here / "project.py").write_text(_SETTINGS)
    blocks = parse_blocks(ROOT / "docs" / "moving-users.md")
    [script] = [each.text for each in blocks if each.language == f"{FILE}dump_users.py"]
    run(here, "migrate", "--verbosity=0")
    run(here, "shell", stdin=_MAKE)
    run(here, "shell", stdin=script)
    done = gatepass(("users", "import", "users.csv"), here)

    assert done.stderr == "gatepass: line 5: the user has no password (Django's `!`)\n"
    assert done.stdout == "added: 3, there already: 0, rejected: 1\n"
    with serving(here) as running, running.client() as client:

        def log_in(username: str, password: str) -> int:
            form = {"username": username, "password": password}
            return client.post("/auth/login", json=form).status_code

        for _ in range(2):
            assert log_in("ada", "purple-kettle-sings") == 200
            assert log_in("bob", "green-teapot-hums") == 200
        assert log_in("bob", "purple-kettle-sings") == 401
        assert log_in("eve", "green-teapot-hums") == 401
        token = client.post(
            "/auth/login", json={"username": "ADA", "password": "purple-kettle-sings"}
        ).json()["access_token"]
        me = client.get("/auth/me", headers={"Authorization": f"Bearer {token}"}).json()

    assert (me["sub"], me["role"], me["email"]) == ("1", "admin", "ada@example.com")
