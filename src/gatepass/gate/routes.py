"""The auth routes as a table: method, path below the mount point, and what answers."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final

from gatepass.gate.gate import Gate
from gatepass.http import Answer, HttpRequest, RequestRefused, answer_refused
from gatepass.http.problems import METHOD_NOT_ALLOWED

KEYS_PATH: Final = "/.well-known/jwks.json"
"""Where the key set is looked for: at the root of a host, wherever the routes are mounted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route; `name` is also the name under which frameworks know it."""

    name: str
    method: str
    path: str
    answer: Callable[[Gate, HttpRequest, bytes, str], Awaitable[Answer]]
    """Takes the body, empty unless `takes_body`, and the session in the path, if any."""
    takes_body: bool = False
    names_session: bool = False
    """Whether the id of a session follows the path."""

    def require_method(self, method: str) -> Answer | None:
        """A 405 that names the right method; `None` when it is this one."""
        if method == self.method:
            return None
        return answer_refused(RequestRefused(METHOD_NOT_ALLOWED)).plus((("Allow", self.method),))


LOGIN: Final = Route(
    name="login",
    method="POST",
    path="/login",
    answer=lambda gate, request, body, _: gate.log_in(request, body),
    takes_body=True,
)
REFRESH: Final = Route(
    name="refresh",
    method="POST",
    path="/refresh",
    answer=lambda gate, request, body, _: gate.refresh(request, body),
    takes_body=True,
)
LOGOUT: Final = Route(
    name="logout",
    method="POST",
    path="/logout",
    answer=lambda gate, request, body, _: gate.log_out(request, body),
    takes_body=True,
)
LOGOUT_ALL: Final = Route(
    name="logout-all",
    method="POST",
    path="/logout-all",
    answer=lambda gate, request, _, __: gate.log_out_everywhere(request),
)
ME: Final = Route(
    name="me", method="GET", path="/me", answer=lambda gate, request, _, __: gate.me(request)
)
SESSIONS: Final = Route(
    name="sessions",
    method="GET",
    path="/sessions",
    answer=lambda gate, request, _, __: gate.sessions(request),
)
END_SESSION: Final = Route(
    name="session",
    method="DELETE",
    path="/sessions/",
    answer=lambda gate, request, _, session_id: gate.end_session(request, session_id),
    names_session=True,
)
KEYS: Final = Route(
    name="keys", method="GET", path=KEYS_PATH, answer=lambda gate, _, __, ___: gate.keys()
)
_ROUTES: Final = (LOGIN, REFRESH, LOGOUT, LOGOUT_ALL, ME, SESSIONS, END_SESSION)


def routes_of(gate: Gate) -> Iterator[Route]:
    """The routes below the mount point: there is no log-in without `authenticate`."""
    return (route for route in _ROUTES if route is not LOGIN or gate.takes_passwords)


def find_route(gate: Gate, path: str) -> tuple[Route | None, str]:
    """The route of a path below the mount point, and the session it names."""
    for route in routes_of(gate):
        if route.names_session:
            session_id = path.removeprefix(route.path)
            if path.startswith(route.path) and session_id and "/" not in session_id:
                return route, session_id
        elif path == route.path:
            return route, ""
    return None, ""
