"""`make serve` takes a port, and shows how far its installation is."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.budget import PATIENCE_S
from tests.project.files import ROOT

_PIP = """#!/bin/sh
case "$*" in *-e*) exit 0 ;; esac
for package in one two three; do
  echo "Collecting $package"
done
until [ -e go-on ]; do sleep 0.05; done
echo "Installing collected packages: one, two, three"
exit "$(cat go-on)"
"""


def plan(*arguments: str, environ: Mapping[str, str] | None = None) -> str:
    """The last command that make would run."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        ["make", "--dry-run", "serve", *arguments],
        cwd=ROOT,
        env={**kept, **(environ or {})},
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,
    )
    return done.stdout.splitlines()[-1].strip()


def test_make_serve_takes_a_port_from_its_own_command_line_only() -> None:
    assert plan("PORT=8101").endswith('gatepass serve --port "8101"')
    assert plan().endswith("gatepass serve")
    assert plan(environ={"PORT": "3000"}).endswith("gatepass serve")  # platforms set it


@pytest.mark.parametrize("status", [0, 1])
def test_the_installation_tells_how_far_it_is_and_why_it_failed(
    tmp_path: Path, status: int
) -> None:
    (tmp_path / ".ci").mkdir()
    script = tmp_path / ".ci" / "install"
    script.write_bytes((ROOT / ".ci" / "install").read_bytes())
    script.chmod(0o755)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    (tmp_path / ".venv" / "lib").mkdir()
    python.write_text(_PIP)
    python.chmod(0o755)
    (tmp_path / "three.txt").write_text("one==1\ntwo==2\nthree==3\n")
    with subprocess.Popen(
        [str(script), "three.txt"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = [process.stderr.readline()]
        while "of 3" not in said[-1]:
            said.append(process.stderr.readline())
        (tmp_path / "go-on").write_text(str(status))
        rest = process.stderr.read()

    assert said[0] == "Installing 3 packages of three.txt into .venv, once\n"
    assert process.returncode == status
    assert ("Collecting two" in rest) is (status == 1)
