"""Mistakes that would only show at a request: the call raises where the mistake is written."""

import sys
from collections.abc import Mapping
from types import FrameType
from typing import Final

from gatepass.errors import GuardMisused
from gatepass.http import HttpPolicy, Limits

_BARE: Final = "a guard is made by a call: write auth.{name}(), with the parentheses"
_LATE: Final = (
    "auth.{name}() makes a guard, and a guard that is made while a request is handled protects "
    "nothing: call it where the module or the application is set up, and attach what it returns "
    "to the route"
)
FORGOTTEN: Final = (
    "a request was refused, and nothing in this application answers that: call {call}"
)
"""The message where an `Auth` was never installed; the request is a 500 for lack of it."""
_IMPORT: Final = "<frozen importlib._bootstrap>"
_WORKERS: Final = frozenset(
    {
        ("anyio._backends._asyncio", "WorkerThread.run"),
        ("anyio._backends._trio", "TrioBackend.run_sync_in_worker_thread.<locals>.wrapper"),
    }
)
"""Starlette and FastAPI call sync views and dependencies here, on a stack without the request."""
_LOOPS: Final = frozenset({"asyncio.base_events", "asyncio.runners"})
"""An import below the event loop is that of the program: it imports nothing now."""


def require_call(name: str, given: tuple[object, ...], *, is_serving: bool = False) -> None:
    """Return when a method that makes guards is called, and at a time when a guard can be attached.

    Args:
        name: The method.
        given: Its positional arguments, as in `@auth.required` without parentheses.
        is_serving: Whether the framework says that a request is being handled; the stack tells it
            too, unless the framework handles the request in another thread or task.

    Raises:
        GuardMisused: The method got an argument, or a request is being handled. Modules that are
            imported meanwhile, as Django imports its URLconf, may make guards.
    """
    if given:
        raise GuardMisused(_BARE.format(name=name))
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - its public name
    while frame is not None and frame.f_globals.get("__name__") not in _LOOPS:
        if frame.f_code.co_filename == _IMPORT:
            return
        if _handles_request(frame):
            is_serving = True
            break
        frame = frame.f_back
    if is_serving:
        raise GuardMisused(_LATE.format(name=name))


def _handles_request(frame: FrameType) -> bool:
    """Whether a server or framework called this function to answer a request."""
    if (frame.f_globals.get("__name__"), frame.f_code.co_qualname) in _WORKERS:
        return True
    arguments = set(frame.f_code.co_varnames[: frame.f_code.co_argcount])
    # Not a test with such a parameter. Handlers of Django's test client take nothing beside it.
    is_handler = frame.f_code.co_name == "__call__"
    if "scope" in arguments and (is_handler or {"receive", "send"} <= arguments):
        scope = frame.f_locals.get("scope")
        return isinstance(scope, Mapping) and scope.get("type") in {"http", "websocket"}
    if "environ" in arguments and (is_handler or "start_response" in arguments):
        environ = frame.f_locals.get("environ")
        return isinstance(environ, Mapping) and "wsgi.input" in environ
    return False


def require_arguments(
    authenticate: object,
    change_password: object,
    limits: object,
    http: object,
    invalid_token_status: object,
) -> None:
    """Reject arguments that would only fail, or answer a refusal with success, at a request."""
    for name, given, takes in (
        ("authenticate", authenticate, "user name and password"),
        ("change_password", change_password, "subject, current and new password"),
    ):
        if given is not None and not callable(given):
            raise TypeError(f"{name} is a function of {takes}, and not {type(given).__name__}")
    if limits is not None and not isinstance(limits, Limits):
        raise TypeError(f"limits are Limits, as in Limits(…), and not {type(limits).__name__}")
    if http is not None and not isinstance(http, HttpPolicy):
        raise TypeError(
            f"http is an HttpPolicy, as in HttpPolicy(…), and not {type(http).__name__}"
        )
    if invalid_token_status not in {401, 403}:
        raise ValueError("invalid_token_status is 401 or 403")
