"""Every rule is asked of requests in both forms."""

from collections.abc import Callable

import pytest

from tests.http.asking import MAKERS, Given

Ask = Callable[..., Given]


@pytest.fixture(params=MAKERS)
def ask(request: pytest.FixtureRequest) -> Ask:
    """Makes a request from its first line and its header lines."""
    return MAKERS[request.param]
