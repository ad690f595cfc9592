"""The rejection of a request: its row of the table, its log line, and its mark on a trace."""

import logging
import sys
from typing import Any, Final

from gatepass.errors import GatepassError
from gatepass.gate.rejections import Explanations
from gatepass.http import RequestRefused
from gatepass.http.problems import (
    CSRF_FAILED,
    HTTPS_REQUIRED,
    INTERNAL_ERROR,
    INVALID_REQUEST,
    RATE_LIMITED,
    REFRESH_INVALID,
    REFRESH_MISSING,
    STORE_UNAVAILABLE,
    TOKEN_INVALID,
    find_retry_after,
)

_log = logging.getLogger("gatepass")
_EXPLAINED: Final = (
    CSRF_FAILED,
    HTTPS_REQUIRED,
    INTERNAL_ERROR,
    INVALID_REQUEST,
    RATE_LIMITED,
    REFRESH_MISSING,
)
"""Refusals that an honest client gets because a setting is wrong: the log says which."""
_TOLD_TO_DEBUGGERS: Final = (TOKEN_INVALID, REFRESH_INVALID)
"""Refusals that strangers can cause at will: the log says why at level DEBUG."""
_TRACE: Final = "opentelemetry.trace"
_OUTCOME: Final = "gatepass.outcome"


def refusal_of(error: GatepassError, explanations: Explanations) -> RequestRefused:
    """The rejection for this error, a `RequestRefused` or one of the store; logged and marked."""
    refused = (
        error
        if isinstance(error, RequestRefused)
        else RequestRefused(STORE_UNAVAILABLE, retry_after=find_retry_after(error))
    )
    if refused.problem is STORE_UNAVAILABLE:
        known = (error if error is not refused else error.__cause__) or refused
        # A driver's text may hold a statement's values: its kind says enough.
        cause = f" ({type(known.__cause__).__name__})" if known.__cause__ else ""
        _log.warning("store unavailable, answered 503: %s%s", known, cause)
    elif refused.problem in _EXPLAINED and refused.reason:
        explanations.warn(refused.problem.code, refused.reason)
    elif refused.problem in _TOLD_TO_DEBUGGERS:
        _log.debug("%s: %s", refused.problem.code, refused.__cause__)
    trace: Any = sys.modules.get(_TRACE)  # an application without it has no span
    if trace is not None:
        trace.get_current_span().set_attribute(_OUTCOME, refused.problem.code)
    return refused
