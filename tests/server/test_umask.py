"""What a first start leaves behind when the process's umask is an odd one."""

import os
import stat
from collections.abc import Iterator

import pytest

from tests.cli.command import Command


@pytest.fixture(params=[0o000, 0o022, 0o277, 0o777], ids=oct)
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_umask")
def test_the_state_is_its_owners_and_nobody_elses(command: Command) -> None:
    added = command("users", "add", "ada", "--password-stdin", stdin="a long password")
    home = command.here / ".gatepass"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()}

    assert added.code == 0, added.stderr
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert modes.pop(".gitignore") is not None
    assert set(modes.values()) == {0o600}
    assert command("users", "list").code == 0
