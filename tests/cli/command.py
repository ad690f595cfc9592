"""One command, run to its end in this process: arguments in, exit code and both outputs out."""

import io
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from gatepass.cli import main
from gatepass.passwords import hashing
from tests.budget import PATIENCE_S
from tests.server.running import environment

_SHORTEST: Final = 8
"""Shorter texts occur by chance."""
CHEAP: Final[dict[str, Any]] = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}
"""What a password costs that guards nothing."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Command:
    """Runs `gatepass` in a folder; fails when it prints what it read or signs with."""

    here: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def _secrets(self, environ: Mapping[str, str]) -> list[str]:
        """What this command signs with; no command prints it."""
        kept = self.here / ".gatepass" / "secrets.env"
        lines = kept.read_text().splitlines() if kept.exists() else []
        found = dict(line.partition("=")[::2] for line in lines) | dict(environ)
        return [value for name, value in found.items() if name.startswith("JWT_")]

    def __call__(
        self, *arguments: str, stdin: str = "", environ: Mapping[str, str] | None = None
    ) -> Result:
        self.capsys.readouterr()
        with self.monkeypatch.context() as patch:
            patch.chdir(self.here)
            patch.setattr("os.environ", environment(environ))
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            patch.setattr(hashing, "_COSTS", CHEAP)
            with pytest.raises(SystemExit) as ended, _bounded():
                main(arguments)
        captured = self.capsys.readouterr()
        assert isinstance(ended.value.code, int)
        for secret in (stdin.strip(), *self._secrets(environ or {})):
            assert len(secret) < _SHORTEST or secret not in captured.out + captured.err
        return Result(ended.value.code, captured.out, captured.err)


@contextmanager
def _bounded() -> Iterator[None]:
    """Fail where a command that should have been refused serves instead, until a signal ends it."""

    def give_up(*_: object) -> None:
        pytest.fail("the command does not end")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(int(PATIENCE_S))
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
