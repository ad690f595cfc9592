"""Pages of ours on another host or port: preflights, and the CSRF token of a reloaded page."""

from tests.web.rows.row import (
    JSON,
    READABLE,
    Call,
    Row,
    Want,
    bearer,
    done,
    in_production,
    refused,
)

_OURS = "Origin: <origin>"
_FOREIGN = "Origin: https://evil.example"
_SAME = "Sec-Fetch-Site: same-origin"
_ACCESS = "Cookie: <A>=<access>"
_PREFLIGHT = "Access-Control-Request-Method: POST"
_ALLOWED = (
    "Vary: Origin",
    *READABLE[:2],
    "Access-Control-Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers: Authorization, Content-Type, X-CSRF-Token",
    "Access-Control-Max-Age: 600",
)
_TOKEN = '{"csrf_token":"<csrf_of_session>"}'


def _csrf(name: str, headers: tuple[str, ...], want: Want) -> Row:
    return Row(name=f"GET csrf: {name}", call=Call("GET /auth/csrf", headers), want=want)


def _preflight(name: str, line: str, headers: tuple[str, ...], want: Want) -> Row:
    return Row(name=f"preflight {name}", call=Call(line, (*headers, _PREFLIGHT)), want=want)


_DEVELOPMENT = (
    _csrf("a page on another host", (_ACCESS, _OURS), done(_TOKEN, *READABLE)),
    _csrf("a page of the same origin", (_ACCESS, _SAME), done(_TOKEN)),
    _csrf(
        "after the access token has expired",
        ("Cookie: <A>=<expired>", _OURS),
        done('{"csrf_token":"<csrf_of_expired>"}', *READABLE),
    ),
    _csrf("not logged in", (_OURS,), refused("token_missing", *READABLE)),
    _csrf("a forged cookie", ("Cookie: <A>=<forged>", _OURS), refused("token_invalid", *READABLE)),
    _csrf("a token in the header only", (bearer("access"), _SAME), refused("token_missing")),
    _csrf("a cookie twice", (_ACCESS, _ACCESS, _SAME), refused("invalid_request")),
    *(
        _csrf(name, (_ACCESS, *headers), refused("csrf_failed"))
        for name, headers in (
            ("a page of another site", (_FOREIGN,)),
            ("a page of another site that says same-origin", (_FOREIGN, _SAME)),
            ("an origin that may read answers only", ("Sec-Fetch-Site: cross-site",)),
            ("a page that hides its origin", ("Origin: null",)),
            ("a page of a sub-domain", ("Sec-Fetch-Site: same-site",)),
            ("a navigation", ("Sec-Fetch-Site: none",)),
            ("no word about where from", ()),
            ("the origin of the Host", ("Host: evil.example", "Origin: http://evil.example")),
        )
    ),
    _preflight("of a refresh", "OPTIONS /auth/refresh", (_OURS,), Want(204, "", _ALLOWED)),
    _preflight("of the CSRF token", "OPTIONS /auth/csrf", (_OURS,), Want(204, "", _ALLOWED)),
    _preflight(
        "of the end of a session", "OPTIONS /auth/sessions/x", (_OURS,), Want(204, "", _ALLOWED)
    ),
    Row(
        name="an answer of an application's route is not for pages elsewhere",
        call=Call("GET /private", (_ACCESS, _OURS)),
        want=Want(200, '{"subject":"<subject>"}', (JSON,)),
        needs_routes=True,
    ),
    Row(
        name="OPTIONS that is no preflight",
        call=Call("OPTIONS /auth/refresh", (_OURS,)),
        want=refused("method_not_allowed", "Allow: POST", *READABLE),
    ),
)
_STRICT = {"GET csrf: a page on another host", "GET csrf: a page of another site"}
ROWS = (
    *_DEVELOPMENT,
    *(
        in_production(row)
        for row in _DEVELOPMENT
        if row.name in _STRICT or row.name.startswith("preflight")
    ),
)
