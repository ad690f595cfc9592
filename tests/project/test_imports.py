import importlib
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.budget import PATIENCE_S
from tests.project.files import ROOT

_PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
_EXTRAS: dict[str, list[str]] = _PROJECT["optional-dependencies"]


def distribution(need: str) -> str:
    """The name in a requirement: `PyJWT>=2` asks for `pyjwt`."""
    return re.split(r"[^\w-]", need)[0].lower()


_NEEDS = {
    extra: [distribution(need) for need in needs if not need.startswith("gatepass[")]
    for extra, needs in _EXTRAS.items()
}
_OPTIONAL = {name for names in _NEEDS.values() for name in names}
_IMPORT_NAMES = {
    "argon2-cffi": "argon2",
    "libpass": "passlib",
    "pip-tools": "piptools",
    "prometheus-client": "prometheus_client",
    "pydantic-settings": "pydantic_settings",
    "pyjwt": "jwt",
    "python-multipart": "python_multipart",
}


def run_python(code: str, *arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter that nothing but `code` has imported into: no coverage either."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    environment["PYTHONPATH"] = str(ROOT / "src")
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def modules_after(statement: str) -> set[str]:
    """What a fresh interpreter has loaded after a statement, beyond what it starts with."""
    code = f"import sys, json; before = set(sys.modules)\n{statement}\n"
    code += "print(json.dumps(sorted(set(sys.modules) - before)))"
    result = run_python(code)
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout))


def test_import_gatepass_imports_no_store_driver_framework_or_asyncio() -> None:
    loaded = modules_after("import gatepass")
    tops = {name.split(".")[0] for name in loaded}

    assert not tops & {"asyncio", "sqlite3", "socket", "ssl", "http"}
    # cryptography imports bcrypt where it is installed, for keys of OpenSSH.
    assert not tops & ({_IMPORT_NAMES.get(name, name) for name in _OPTIONAL} - {"bcrypt"})
    assert "opentelemetry" not in tops
    assert not {
        name
        for name in loaded
        if name.startswith(("gatepass.stores", "gatepass.revocations", "gatepass.http"))
        or name in {"gatepass.settings", "gatepass.fastapi", "gatepass.server", "gatepass.cli"}
    }


def test_the_check_above_sees_what_is_imported() -> None:
    assert "asyncio" in modules_after("import asyncio")


def test_the_bare_package_declares_only_cryptography_and_msgspec() -> None:
    declared = [distribution(need) for need in _PROJECT["dependencies"]]

    assert declared == ["cryptography", "msgspec"]


def test_the_installed_version_is_the_projects() -> None:
    try:
        installed = importlib.metadata.version("gatepass")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the project is on the path but not installed")

    assert installed == _PROJECT["version"]


_FRAMEWORKS = {
    "asgi": frozenset[str](),
    "fastapi": frozenset({"fastapi", "starlette", "pydantic", "anyio"}),
    "flask": frozenset({"flask", "werkzeug"}),
    "django": frozenset({"django", "asgiref"}),
}


@pytest.mark.parametrize("framework", _FRAMEWORKS)
def test_one_integration_imports_no_other_framework(framework: str) -> None:
    loaded = {name.split(".")[0] for name in modules_after(f"import gatepass.{framework}")}
    of_others = frozenset[str]().union(*_FRAMEWORKS.values()) - _FRAMEWORKS[framework]

    assert _FRAMEWORKS[framework] - {"anyio"} <= loaded
    assert not loaded & {*of_others, "sqlalchemy", "redis", "rest_framework", "ninja", "uvicorn"}
    assert "prometheus_client" not in loaded


@pytest.mark.parametrize(
    ("module", "hidden", "missing", "extra"),
    [
        ("django.rest", "rest_framework.authentication", "rest_framework", "rest"),
        ("django.ninja", "ninja", "ninja", "ninja"),
        ("fastapi", "fastapi", "fastapi", "fastapi"),
        ("flask", "flask", "flask", "flask"),
        ("django", "django", "django", "django"),
        ("stores.sql", "sqlalchemy", "sqlalchemy", "sql"),
        ("passwords", "argon2", "argon2", "passwords"),
        ("settings", "pydantic_settings", "pydantic_settings", "settings"),
        ("metrics", "prometheus_client", "prometheus_client", "metrics"),
    ],
)
def test_without_its_extra_a_module_says_one_sentence_with_the_remedy(
    module: str, hidden: str, missing: str, extra: str
) -> None:
    result = run_python(f"import sys; sys.modules[{hidden!r}] = None\nimport gatepass.{module}")

    assert result.stderr.splitlines()[-1] == (
        f"ModuleNotFoundError: {missing} is not installed, run: pip install 'gatepass[{extra}]'"
    )


@pytest.mark.parametrize("extra", _EXTRAS)
def test_every_extra_is_pinned_for_development(extra: str) -> None:
    pinned = (ROOT / "requirements" / "dev.txt").read_text().lower()

    missing = [
        name
        for name in _NEEDS[extra]
        if not re.search(rf"^{name}(\[.*\])?==", pinned, re.MULTILINE)
    ]
    assert missing == []


@pytest.mark.parametrize("name", ["runtime.txt", "dev.txt"])
def test_every_pin_carries_hashes_and_no_source(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    pins = [block for block in re.split(r"\n(?=[a-z])", text) if "==" in block]

    assert len(pins) > 20
    assert all("--hash=sha256:" in pin for pin in pins)
    assert not re.search(r"://|--(?:index|extra-index|find-links|trusted)", text)


@pytest.mark.parametrize("folder", ["benchmarks/node", "tests/interop/node"])
def test_node_peers_are_locked_without_a_source(folder: str) -> None:
    lock = json.loads((ROOT / folder / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}

    assert packages
    assert all("integrity" in entry for entry in packages.values())
    assert not any("resolved" in entry for entry in packages.values())
