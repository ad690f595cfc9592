"""The tests of `gatepass.js` in Node, against a service in a process of its own."""

import gzip
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepass.http.problems import PROBLEMS
from tests.budget import PATIENCE_S
from tests.project.files import ROOT, SOURCE
from tests.server.running import environment, free_port
from tests.servers.programs import program_of, until_answered

HERE = Path(__file__).parent
CLIENT = SOURCE / "gatepass" / "gate" / "client"
MODULE = CLIENT / "gatepass.js"
TYPESCRIPT = HERE / "node" / "node_modules" / "typescript" / "bin" / "tsc"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    port, log = free_port(), tmp_path / "log"
    variables = environment()
    variables["PYTHONPATH"] = os.pathsep.join([variables["PYTHONPATH"], str(ROOT)])
    serve = ("uvicorn", "--log-level", "warning", "--port", str(port), "tests.client_js.server:app")
    with (
        log.open("wb") as opened,
        program_of([sys.executable, "-m", *serve], env=variables, stderr=opened) as process,
    ):
        until_answered(process, f"http://127.0.0.1:{port}/public", log)
        yield f"http://127.0.0.1:{port}"


@needs_node
@pytest.mark.programs
@pytest.mark.parametrize("file", sorted(HERE.glob("*.test.mjs")), ids=lambda file: file.stem)
def test_in_node(file: Path, server: str) -> None:
    assert NODE is not None
    run = subprocess.run(
        [NODE, "--test", "--test-reporter=spec", str(file)],
        cwd=HERE,
        env={**environment({"SERVER": server, "MODULE": MODULE.as_uri()})},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr


@needs_node
@pytest.mark.programs
@pytest.mark.skipif(not TYPESCRIPT.exists(), reason="TypeScript is not installed: make programs")
def test_typescript_takes_a_typed_example() -> None:
    assert NODE is not None
    project = ["--project", str(HERE / "node")]
    run = subprocess.run(
        [NODE, str(TYPESCRIPT), *project], capture_output=True, text=True, check=False
    )

    assert run.returncode == 0, run.stdout


def test_the_types_name_every_code_of_the_table() -> None:
    union = (CLIENT / "gatepass.d.ts").read_text().partition("type ServerCode =")[2]

    assert re.findall(r'\| "(\w+)"', union.partition(";")[0]) == [row.code for row in PROBLEMS]


def test_the_module_has_four_kilobytes_at_most() -> None:
    assert len(gzip.compress(MODULE.read_bytes(), 9)) <= 4096
