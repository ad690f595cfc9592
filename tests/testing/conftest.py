"""The plugin's fixtures, for tests of the plugin."""

import pytest

from gatepass.testing import gatepass_async_manager, gatepass_clock, gatepass_policy

__all__ = ["gatepass_async_manager", "gatepass_clock", "gatepass_policy"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
