"""What every framework's `Auth` is made of: the auth routes and the guard, over a manager.

Knows no framework: a request comes in as `HttpRequest`, an answer goes out as `Answer`.
"""

from gatepass.gate.common_auth import AnyManager, CommonAuth, require_prefix
from gatepass.gate.gate import Gate
from gatepass.gate.guard import Guard
from gatepass.gate.hooks import Authenticate, LoginLimit
from gatepass.gate.maybe_await import call_here, call_in_thread, run_in_place, settle
from gatepass.gate.misuse import FORGOTTEN, require_call
from gatepass.gate.routes import KEYS, KEYS_PATH, Route, find_route, routes_of

__all__ = [
    "FORGOTTEN",
    "KEYS",
    "KEYS_PATH",
    "AnyManager",
    "Authenticate",
    "CommonAuth",
    "Gate",
    "Guard",
    "LoginLimit",
    "Route",
    "call_here",
    "call_in_thread",
    "find_route",
    "require_call",
    "require_prefix",
    "routes_of",
    "run_in_place",
    "settle",
]
