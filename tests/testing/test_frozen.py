"""Runs `frozen_cases.py` in a process of its own.

freezegun freezes a whole process: an event loop that another test keeps would sleep until 2031.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.budget import PATIENCE_S


@pytest.mark.programs
def test_what_was_made_before_lives_in_the_frozen_time() -> None:
    cases = Path(__file__).with_name("frozen_cases.py")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", cases],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout
