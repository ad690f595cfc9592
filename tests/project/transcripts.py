"""Runs the `console` and `bash` blocks of a document in a folder of their own.

Commands that set a machine up are checked to exist instead. A document that talks to
127.0.0.1:8000 gets a real server on another port and its password as `$ADMIN_PASSWORD`.
"""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.budget import PATIENCE_S
from tests.project.documents import Block, expectation, is_as_expected
from tests.project.files import ROOT
from tests.server.running import free_port
from tests.servers.programs import until_answered

_SERVE = re.compile(r"^(make|gatepass|\.venv/bin/gatepass) serve\b")
_MAKE = re.compile(r"^make +(?P<target>[a-z]+)")
_INSTALL = re.compile(r"\bpip install\b.*?gatepass(?:\[(?P<extras>[^\]]*)\])?")
_ELSEWHERE = re.compile(r"^(git clone |cd gatepass$)")
_OWN_SCRIPT = re.compile(r"^\.ci/\w+$")
_MARK = "\036"


class Transcript:
    """One document's commands, in one temporary folder and with one server if it asks for one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: subprocess.Popen[bytes] | None = None
        self._port = 0
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("JWT_", "GATEPASS_"))}
        path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
        self._environment = {**kept, "PATH": path, "HOME": str(folder), "NO_COLOR": "1"}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.terminate()
            self._server.wait(PATIENCE_S)

    def run(self, block: Block) -> None:
        """Run a block and compare what its commands print with what the document says."""
        if block.language == "console":
            for line, command, expected in parse_console(block):
                self._check(block, line, command, expected)
            return
        commands = [line for line in block.text.splitlines() if line and not line.startswith("#")]
        rest = [line for line in commands if not self._is_set_up(block, line)]
        if rest:
            self._check(block, 1, "set -e\n" + "\n".join(rest), block.expected or "")

    def _check(self, block: Block, line: int, command: str, expected: str) -> None:
        if self._is_set_up(block, command):
            if _SERVE.match(command) and expected:
                self._expect_of_server(block, expected)
            return
        if ":8000" in command:
            self._serve()
            command = command.replace(":8000", f":{self._port}")
        status, output = self._bash(command)
        output = output.replace(f":{self._port}", ":8000") if self._port else output
        if expected and not is_as_expected(expected, output):
            raise block.wrong(f"foretold\n{expected}\nbut it prints\n{output}", line)
        if not expected and status != 0:
            raise block.wrong(f"`{command}` ends with {status}:\n{output}", line)

    def _bash(self, command: str) -> tuple[int, str]:
        """Run a command; variables it sets are there for the document's next one."""
        variables = self._folder / ".variables"
        script = (
            f"set -a\n{command}\n"
            f"status=$?; printf '{_MARK}'; env -0 >{shlex.quote(str(variables))}; exit $status\n"
        )
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        if variables.exists():
            pairs = variables.read_text().split("\0")[:-1]
            self._environment.update((k, v) for k, _, v in (pair.partition("=") for pair in pairs))
        return done.returncode, done.stdout.split(_MARK, maxsplit=1)[0]

    def _is_set_up(self, block: Block, command: str) -> bool:
        """Whether a command only sets a machine up; then what it names must exist."""
        if _ELSEWHERE.match(command):
            return True
        if install := _INSTALL.search(command):
            project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
            for extra in filter(None, (install["extras"] or "").split(",")):
                if extra.strip() not in project["optional-dependencies"]:
                    raise block.wrong(f"there is no extra {extra}")
            return True
        if make := _MAKE.match(command):
            if f"\n{make['target']}:" not in (ROOT / "Makefile").read_text():
                raise block.wrong(f"there is no target {make['target']}")
            return True
        if _OWN_SCRIPT.match(command):
            if not os.access(ROOT / command, os.X_OK):
                raise block.wrong(f"there is no {command}")
            return True
        return _SERVE.match(command) is not None

    @property
    def _log(self) -> Path:
        return self._folder / "serve.log"

    def _expect_of_server(self, block: Block, expected: str) -> None:
        self._serve()
        log = self._log.read_text().replace(f":{self._port}", ":8000")
        if not expectation(expected).search(log):
            raise block.wrong(f"the server does not say\n{expected}\nbut\n{log}")

    def _serve(self) -> None:
        if self._server is not None:
            return
        self._port = free_port()
        with self._log.open("wb") as log:
            self._server = subprocess.Popen(
                ["gatepass", "serve", "--port", str(self._port)],
                executable=str(Path(sys.executable).parent / "gatepass"),
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until_answered(self._server, f"http://127.0.0.1:{self._port}/healthz", self._log)
        if found := re.search(r"admin password: (\S+)", self._log.read_text()):
            self._environment["ADMIN_PASSWORD"] = found[1]


def parse_console(block: Block) -> Iterator[tuple[int, str, str]]:
    """The commands of a console block with their lines and what they should print."""
    lines = block.text.splitlines()
    starts = [index for index, line in enumerate(lines) if line.startswith("$ ")]
    if not starts or any(line.strip() for line in lines[: starts[0]]):
        raise block.wrong("a console block begins with a command: `$ …`")
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        last = start
        while lines[last].endswith("\\") and last + 1 < end:
            last += 1
        command = "\n".join([lines[start][2:], *lines[start + 1 : last + 1]])
        yield start + 1, command, "\n".join(lines[last + 1 : end]).strip()
