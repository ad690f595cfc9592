"""One command, run to its end in this process: arguments in, exit code and both outputs out."""

import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gatepass.cli import main
from tests.server.running import environment


@dataclass(frozen=True, slots=True)
class Result:
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Command:
    """Runs `gatepass` in a folder."""

    here: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(
        self, *arguments: str, stdin: str = "", environ: Mapping[str, str] | None = None
    ) -> Result:
        self.capsys.readouterr()
        with self.monkeypatch.context() as patch:
            patch.chdir(self.here)
            patch.setattr("os.environ", environment(environ))
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            with pytest.raises(SystemExit) as ended:
                main(arguments)
        captured = self.capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Result(ended.value.code, captured.out, captured.err)
