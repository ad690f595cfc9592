"""The hypothesis profiles of all tests."""

import os

from hypothesis import HealthCheck, settings

from tests.budget import TIMES

settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile(
    "fuzz", deadline=None, max_examples=400 * TIMES, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
