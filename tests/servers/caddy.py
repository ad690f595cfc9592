"""A real Caddy with a configuration of the test's."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.servers.programs import program_of

_BEFORE: Final = """\
{
	admin off
	auto_https off
	log {
		output discard
	}
}
"""


@contextmanager
def caddy(folder: Path, block: str) -> Iterator[None]:
    """Caddy with these sites."""
    configuration = folder / "Caddyfile"
    configuration.write_text(_BEFORE + block)
    found = shutil.which("caddy")
    if found is None:
        _miss("caddy is missing; on Debian install it with: sudo apt-get install caddy")
    environ = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    command = [str(found), "run", "--adapter", "caddyfile", "--config", str(configuration)]
    with program_of(command, env=environ | {"XDG_CONFIG_HOME": str(folder)}):
        yield


def _miss(reason: str) -> None:
    """Skip a test that lacks the program; fail it where `CI` is set."""
    if os.environ.get("CI", "").lower() in {"", "0", "false"}:
        pytest.skip(reason)
    pytest.fail(reason)
