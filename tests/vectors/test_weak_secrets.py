"""Secrets of public lists are rejected, whose digests are all that is known here."""

import subprocess
import sys
from pathlib import Path

import pytest

from gatepass.jose import _published
from tests.vectors.published import VECTORS

pytestmark = pytest.mark.vectors
ROOT = Path(__file__).parents[2]
LIST = VECTORS / "weak-secrets" / "sha256.txt"


def test_every_listed_secret_is_known() -> None:
    digests = [bytes.fromhex(line) for line in LIST.read_text().split()]

    assert len(digests) > 1800
    assert not [digest.hex() for digest in digests if digest[:8] not in _published._listed()]


def test_the_script_makes_the_very_table_that_is_shipped(tmp_path: Path) -> None:
    script = ROOT / ".ci" / "published-secrets"
    table = ROOT / "src" / "gatepass" / "jose" / "published_secrets.bin"
    copy = tmp_path / ".ci" / script.name
    made = tmp_path / table.relative_to(ROOT)
    copy.parent.mkdir()
    made.parent.mkdir(parents=True)
    copy.write_bytes(script.read_bytes())
    subprocess.run([sys.executable, copy, LIST], check=True, stdout=subprocess.DEVNULL)

    assert made.read_bytes() == table.read_bytes()
