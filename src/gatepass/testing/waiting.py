"""`wait_for`: results of sync and async managers alike."""

import asyncio
import inspect
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gatepass.gate import settle


def wait_for(value: Any) -> Any:
    """The result of a manager's method, awaited if need be; for tests of sync and async code."""
    if not inspect.isawaitable(value):
        return value
    with ThreadPoolExecutor(1) as elsewhere:  # a test's own loop may be running here
        return elsewhere.submit(asyncio.run, settle(value)).result()
