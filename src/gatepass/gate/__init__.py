"""Everything that the `Auth` of each framework shares: the auth routes and the guard.

Knows no framework: a request comes in as `HttpRequest`, an answer goes out as `Answer`.
"""

from gatepass._maybe_await import run_in_place, settle
from gatepass.gate.common_auth import AnyAuth, AnyManager, CommonAuth
from gatepass.gate.gate import Gate
from gatepass.gate.guard import Guard
from gatepass.gate.hooks import Authenticate, ChangePassword
from gatepass.gate.misuse import FORGOTTEN, require_call
from gatepass.gate.proxy_gate import InternalToken, ProxyGate
from gatepass.gate.routes import (
    KEYS,
    LOGIN,
    Route,
    answer_wrong_method,
    find_route,
    require_prefix,
    routes_of,
)

__all__ = [
    "FORGOTTEN",
    "KEYS",
    "LOGIN",
    "AnyAuth",
    "AnyManager",
    "Authenticate",
    "ChangePassword",
    "CommonAuth",
    "Gate",
    "Guard",
    "InternalToken",
    "ProxyGate",
    "Route",
    "answer_wrong_method",
    "find_route",
    "require_call",
    "require_prefix",
    "routes_of",
    "run_in_place",
    "settle",
]
