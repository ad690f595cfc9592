"""A folder, commands to run in it, and the state that most of them need."""

import pytest

from tests.cli.command import Command
from tests.server.conftest import command, here, production

__all__ = ["ada", "command", "here", "production"]

PASSWORD = "a password that ada knows"


@pytest.fixture
def ada(command: Command) -> Command:
    """Commands in a folder where the account `ada` exists."""
    added = command("users", "add", "ada", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert added.code == 0, added.stderr
    return command
