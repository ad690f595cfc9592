"""A test that fails ends what it started; nobody waits for a program that nobody ends."""

import sys

import pytest

from tests.servers.programs import program_of


def test_a_program_is_ended_with_the_test_that_failed() -> None:
    sleeping = [sys.executable, "-c", "import threading; threading.Event().wait()"]

    with pytest.raises(AssertionError), program_of(sleeping) as process:
        raise AssertionError

    assert process.returncode == -9
