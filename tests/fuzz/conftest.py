"""Every property is held twice: briefly in each test run, and at length under the marker `fuzz`."""

import pytest


@pytest.fixture(
    scope="module",
    autouse=True,
    params=["briefly", pytest.param("at-length", marks=pytest.mark.fuzz)],
)
def budget(request: pytest.FixtureRequest) -> str:
    """How long to try; hypothesis itself takes the number of examples from its profile."""
    name: str = request.param
    return name
