"""Every attack on a verifier runs against both twins."""

import pytest

from tests.attacks.target import Verify, verify_async, verify_sync


@pytest.fixture(params=["sync", "async"])
def verify(request: pytest.FixtureRequest) -> Verify:
    """A verifier of the service, at a fixed time."""
    return verify_sync if request.param == "sync" else verify_async
