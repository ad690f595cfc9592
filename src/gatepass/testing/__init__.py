"""A pytest plugin: a clock that can be set, minted tokens, a logged-in client per framework.

A `conftest.py` says `pytest_plugins = ["gatepass.testing"]`.
"""

from gatepass.testing.clock import Clock
from gatepass.testing.mint import Mint
from gatepass.testing.plugin import (
    gatepass_async_manager,
    gatepass_clock,
    gatepass_manager,
    gatepass_mint,
    gatepass_policy,
)

__all__ = [
    "Clock",
    "Mint",
    "gatepass_async_manager",
    "gatepass_clock",
    "gatepass_manager",
    "gatepass_mint",
    "gatepass_policy",
]
