"""A test that fails ends what it started; nobody waits for a program that nobody ends."""

import re
import subprocess
import sys

import pytest

from tests.project.files import ROOT
from tests.servers.postgres_binaries import found_binaries
from tests.servers.programs import program_of
from tests.servers.redis_server import program


def test_a_program_is_ended_with_the_test_that_failed() -> None:
    sleeping = [sys.executable, "-c", "import threading; threading.Event().wait()"]

    with pytest.raises(AssertionError), program_of(sleeping) as process:
        raise AssertionError

    assert process.returncode == -9


@pytest.mark.parametrize(("kind", "name"), [("redis 8", "Redis"), ("valkey", "Valkey")])
def test_the_servers_are_those_that_the_document_names(kind: str, name: str) -> None:
    command = [program(kind), "--version"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    document = (ROOT / "docs" / "scale.md").read_text()

    assert f"{name} {re.findall(r'v=([0-9.]+)', told)[0]}" in document
    assert f"PostgreSQL {next(iter(found_binaries()))}" in document
