"""What every test shares: the hypothesis profiles and the folder of vectors."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.vectors import require_vectors

settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile(
    "fuzz", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of published test vectors."""
    return require_vectors()
