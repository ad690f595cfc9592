"""A folder to serve from, and a key file."""

from pathlib import Path

import pytest

from gatepass.keyfile import KeyFile
from tests.keyfile.steps import first, keep
from tests.server.conftest import here

__all__ = ["here"]


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    file = KeyFile(tmp_path / "keys.json")
    keep(file, first())
    return file
