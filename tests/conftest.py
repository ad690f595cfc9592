"""The hypothesis profiles of all tests, and clients that are patient."""

import os
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, settings

from tests.budget import PATIENCE_S, TIMES

settings.register_profile("ci", deadline=None, derandomize=True, max_examples=50 * TIMES)
settings.register_profile(
    "fuzz", deadline=None, max_examples=400 * TIMES, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session", autouse=True)
def _patient_clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Clients wait for servers on a busy machine, and read no authorities for plain http."""
    with pytest.MonkeyPatch.context() as patch:
        for phase in ("connect", "read", "write", "pool"):
            patch.setattr(httpx._config.DEFAULT_TIMEOUT_CONFIG, phase, PATIENCE_S)
        patch.delenv("SSL_CERT_FILE", raising=False)
        patch.setenv("SSL_CERT_DIR", str(tmp_path_factory.mktemp("authorities")))
        yield
