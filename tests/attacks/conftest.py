"""Every attack on a verifier runs against both twins; on sessions, over every store too."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.service import KINDS, Service
from tests.attacks.target import Verify, verify_async, verify_sync


@pytest.fixture(params=["sync", "async"])
def verify(request: pytest.FixtureRequest) -> Verify:
    """A verifier of the service, at a fixed time."""
    return verify_sync if request.param == "sync" else verify_async


@pytest.fixture(params=KINDS)
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    """A whole service over one of the stores."""
    service = Service(request.param, tmp_path)
    yield service
    service.close()
