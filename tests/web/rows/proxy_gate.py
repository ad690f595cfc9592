"""The gate for proxies: what nginx asks on behalf of a request, and what it is answered."""

from dataclasses import replace

from tests.web.rows.row import READABLE, Call, Row, Want, bearer, in_production, refused

_PASSED = Want(
    200,
    "",
    (
        "Cache-Control: no-store",
        "X-Auth-Subject: <subject>",
        "X-Auth-Role: admin",
        "X-Auth-Scope: reports%3Aread%20reports%3Awrite",
        "X-Auth-Team: ",
        "X-Auth-Kind: session",
    ),
)
_KEY_PASSED = Want(
    200,
    "",
    (
        "Cache-Control: no-store",
        "X-Auth-Subject: <subject>",
        "X-Auth-Role: <loaded_role>",
        "X-Auth-Scope: reports%3Aread%20reports%3Awrite",
        "X-Auth-Team: ",
        "X-Auth-Kind: key",
    ),
)
_READ_BY_A_PAGE = replace(_PASSED, headers=(*_PASSED.headers, *READABLE))
_TOKEN = bearer("access")
_COOKIE = "Cookie: <A>=<access>"
_OURS = "Origin: <origin>"
_FOREIGN = "Origin: https://evil.example"
_PROOF = "X-CSRF-Token: <csrf_of_session>"
_GET = "X-Original-Method: GET"
_POST = "X-Original-Method: POST"
_URI = "X-Original-URI: /reports/7?q=1"
_INVALID = refused("invalid_request")
_FAILED = refused("csrf_failed")
_REPORTS = "GET /auth/verify?scope=reports:read+reports:write"
_SCOPES = ', scope="reports:read reports:write"'


def _ask(name: str, headers: tuple[str, ...], want: Want, line: str = "GET /auth/verify") -> Row:
    return Row(name=f"a proxy asks: {name}", call=Call(line, headers), want=want)


def _for_pages(code: str) -> Want:
    return refused(code, *READABLE)


_SOCKET = (
    _COOKIE,
    _GET,
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)
_PREFLIGHT = (
    "Access-Control-Request-Method: POST",
    "Access-Control-Request-Headers: Authorization",
)

_HEADERS = (
    _ask("no token", (_GET,), refused("token_missing")),
    _ask("a good token", (_GET, _TOKEN), _PASSED),
    _ask("a good token, POST", (_POST, _TOKEN), _PASSED),
    _ask("a good token, no original method", (_TOKEN,), _PASSED),
    _ask("expired", (_GET, bearer("expired")), refused("token_expired")),
    _ask("forged", (_GET, bearer("forged")), refused("token_invalid")),
    _ask("revoked", (_GET, bearer("revoked_session")), refused("token_revoked")),
    _ask("a refresh token", (_GET, bearer("refresh")), refused("token_invalid")),
    _ask(
        "Authorization twice",
        (_GET, _TOKEN, _TOKEN),
        refused("invalid_request", challenge="invalid_request"),
    ),
    _ask("HEAD", (_GET, _TOKEN), _PASSED, "HEAD /auth/verify"),
    _ask(
        "POST",
        (_GET, _TOKEN),
        refused("method_not_allowed", "Allow: GET, HEAD"),
        "POST /auth/verify",
    ),
    replace(
        _ask("the store is down", (_GET, _TOKEN), refused("store_unavailable")),
        is_down=True,
    ),
)
_COOKIES = (
    *(
        _ask(f"a cookie, {method}", (_COOKIE, f"X-Original-Method: {method}"), _PASSED)
        for method in ("GET", "HEAD", "OPTIONS")
    ),
    _ask("a cookie, POST", (_COOKIE, _POST), _FAILED),
    _ask(
        "a cookie, POST of our page without its proof",
        (_COOKIE, _POST, _OURS),
        _for_pages("csrf_failed"),
    ),
    _ask("a cookie, POST of our page", (_COOKIE, _POST, _OURS, _PROOF), _READ_BY_A_PAGE),
    _ask("a cookie, POST of another page", (_COOKIE, _POST, _FOREIGN, _PROOF), _FAILED),
    _ask("a cookie, no method", (_COOKIE,), _FAILED),
    _ask("a cookie, two methods", (_COOKIE, _GET, _GET), _FAILED),
    _ask("a cookie, two different methods", (_COOKIE, _GET, _POST), _FAILED),
    _ask("a cookie, an empty method", (_COOKIE, "X-Original-Method: "), _FAILED),
    _ask("a cookie, small letters", (_COOKIE, "X-Original-Method: get"), _FAILED),
    _ask("a cookie, the other dialect", (_COOKIE, "X-Forwarded-Method: GET"), _FAILED),
    _ask("a websocket of our page", (*_SOCKET, _OURS), _READ_BY_A_PAGE),
    _ask("a websocket of another page", (*_SOCKET, _FOREIGN), _FAILED),
    _ask("a websocket without an origin", _SOCKET, _FAILED),
    _ask("an upgrade without an origin", (_COOKIE, _GET, "Upgrade: websocket"), _FAILED),
    _ask("a websocket with a token", (_GET, _TOKEN, *_SOCKET[2:]), _PASSED),
)
_PRETENDED = tuple(
    _ask(f"it brings {header}", (_GET, _TOKEN, header), _INVALID)
    for header in (
        "X-Auth-Subject: user-grace",
        "x-auth-subject: user-grace",
        "X-AUTH-ROLE: admin",
        "X-Auth-Team: ",
        "X-Auth-Kind: session",
    )
)
_REQUIREMENTS = (
    _ask("scopes", (_GET, _URI, _TOKEN), _PASSED, _REPORTS),
    _ask(
        "a scope is missing",
        (_GET, _URI, bearer("grace")),
        refused("insufficient_scope", parameters=_SCOPES),
        _REPORTS,
    ),
    _ask("one of two roles", (_GET, _URI, _TOKEN), _PASSED, "GET /auth/verify?role=a&role=admin"),
    _ask(
        "another role",
        (_GET, _URI, bearer("grace")),
        refused("insufficient_scope"),
        "GET /auth/verify?role=admin",
    ),
    *(
        _ask(f"the query {query}", (_GET, _URI, _TOKEN), _INVALID, f"GET /auth/verify?{query}")
        for query in (
            "scope=",
            "scope=+",
            "role=",
            "roles=admin",
            "scope",
            "scope=%ff",
            "&",
            "kind=key",
        )
    ),
    _ask("a key", (_GET, _URI, bearer("key")), refused("insufficient_scope"), _REPORTS),
    _ask("a key, wanted", (_GET, _URI, bearer("key")), _KEY_PASSED, f"{_REPORTS}&kind=session+key"),
    _ask(
        "a token where keys are wanted",
        (_GET, _URI, _TOKEN),
        refused("insufficient_scope"),
        f"{_REPORTS}&kind=key",
    ),
    _ask("no original URI", (_GET, _TOKEN), _INVALID, _REPORTS),
    _ask(
        "the client's own query",
        (_GET, "X-Original-URI: /reports/7?role=admin", _TOKEN),
        _INVALID,
        "GET /auth/verify?role=admin",
    ),
)
_PREFLIGHTS = tuple(
    _ask(
        f"preflight of {origin}",
        (origin, *_PREFLIGHT),
        refused("method_not_allowed", "Allow: GET, HEAD", *shared),
        "OPTIONS /auth/verify",
    )
    for origin, shared in ((_OURS, READABLE), (_FOREIGN, ()), ("Origin: https://spa.example", ()))
)

ROWS = (
    *map(
        in_production,
        (*_HEADERS, *_COOKIES, *_PRETENDED, *_REQUIREMENTS, *_PREFLIGHTS),
    ),
    Row(
        name="a stranger asks over http",
        call=Call("GET /auth/verify", (_GET, "X-Forwarded-Proto: https", _TOKEN)),
        want=refused("https_required"),
        variant="production",
        peer="127.0.0.2",
    ),
    Row(
        name="a proxy asks over http, and is redirected nowhere",
        call=Call("GET /auth/verify", (_GET,)),
        want=refused("https_required"),
        variant="production",
    ),
)
