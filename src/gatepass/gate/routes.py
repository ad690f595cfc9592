"""The auth routes as a table: method, path below the mount point, and the method that answers."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from gatepass.gate.client_files import CLIENT_SCRIPT, answer_client, answer_client_version
from gatepass.gate.gate import Gate
from gatepass.gate.proxy_gate import answer_proxy
from gatepass.http import Answer, HttpRequest, RequestRefused, answer_refused
from gatepass.http.problems import METHOD_NOT_ALLOWED


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
    is_file: bool = False
    """Whether it is the same for everybody, and caches may store it."""

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that are answered: `HEAD` wherever `GET` is (RFC 9110 §9.1)."""
        return (self.method, "HEAD") if self.method == "GET" else (self.method,)


LOGIN: Final = Route(
    name="login", method="POST", path="/login", answer=Gate.log_in, takes_body=True
)
KEYS: Final = Route(name="keys", method="GET", path="/.well-known/jwks.json", answer=Gate.keys)
"""The key set; its path is at the root of a host, wherever the other routes are mounted."""
PASSWORD: Final = Route(
    name="password",
    method="POST",
    path="/password",
    answer=Gate.change_password,
    takes_body=True,
)
VERIFY: Final = Route(name="verify", method="GET", path="/verify", answer=answer_proxy)
"""The one of proxies, for which every 2xx means that a request may pass."""
CSRF: Final = Route(name="csrf", method="GET", path="/csrf", answer=Gate.csrf)
_ROUTES: Final = (
    LOGIN,
    CSRF,
    Route(name="refresh", method="POST", path="/refresh", answer=Gate.refresh, takes_body=True),
    Route(name="logout", method="POST", path="/logout", answer=Gate.log_out, takes_body=True),
    Route(name="logout-all", method="POST", path="/logout-all", answer=Gate.log_out_everywhere),
    PASSWORD,
    VERIFY,
    Route(name="me", method="GET", path="/me", answer=Gate.me),
    Route(name="sessions", method="GET", path="/sessions", answer=Gate.sessions),
    Route(
        name="session",
        method="DELETE",
        path="/sessions/",
        answer=Gate.end_session,
        names_session=True,
    ),
    Route(name="client", method="GET", path="/client.js", answer=answer_client, is_file=True),
    Route(
        name="client-version",
        method="GET",
        path=f"/{CLIENT_SCRIPT}",
        answer=answer_client_version,
        is_file=True,
    ),
)


def routes_of(gate: Gate) -> tuple[Route, ...]:
    """The routes below the mount point: some need a hook of the application, or cookies."""
    has = {
        LOGIN: gate.login is not None,
        PASSWORD: gate.password_change is not None,
        CSRF: gate.takes_cookies,
        VERIFY: gate.proxy_guard is not None,
    }
    return tuple(route for route in _ROUTES if has.get(route, True))


def find_route(routes: Iterable[Route], path: str) -> tuple[Route | None, str]:
    """The route of a path below the mount point, and the session it names."""
    for route in routes:
        if route.names_session:
            session_id = path.removeprefix(route.path)
            if path.startswith(route.path) and session_id and "/" not in session_id:
                return route, session_id
        elif path == route.path:
            return route, ""
    return None, ""


def answer_wrong_method(route: Route) -> Answer:
    """A 405 that names the methods of the route."""
    allow = ("Allow", ", ".join(route.methods))
    return answer_refused(RequestRefused(METHOD_NOT_ALLOWED)).plus((allow,))


def require_prefix(prefix: str) -> str:
    """A prefix to mount routes at: `/auth`, or nothing.

    Raises:
        ValueError: The prefix would double or lose a slash.
    """
    if prefix and (not prefix.startswith("/") or prefix.endswith("/")):
        raise ValueError('prefix begins with "/" and does not end with it')
    return prefix
