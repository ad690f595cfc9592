"""https, proxies and CORS."""

from tests.web.rows.row import EXPOSED, JSON, Call, Row, Want, bearer, refused

_HSTS = "Strict-Transport-Security: max-age=31536000"
_TO_HTTPS = "Cache-Control: no-store"
_FORWARDED = "X-Forwarded-Proto: https"
_FOR = "X-Forwarded-For: 203.0.113.5:4711"
_STRANGER = "127.0.0.2"
_HOST = "Host: app.example.com"
_HTTPS = refused("https_required")
_SPA = "Origin: https://spa.example"
_PREFLIGHT = "Access-Control-Request-Method: POST"
_VARY = "Vary: Origin"
_SHARED = (
    _VARY,
    "Access-Control-Allow-Origin: https://spa.example",
    EXPOSED,
)
_ALLOWED = (
    _VARY,
    "Access-Control-Allow-Origin: https://spa.example",
    "Access-Control-Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers: Authorization, Content-Type, X-CSRF-Token",
    "Access-Control-Max-Age: 600",
)


def _moved(target: str) -> Want:
    return Want(308, "", (f"Location: https://app.example.com{target}", _TO_HTTPS))


def _row(
    name: str, line: str, headers: tuple[str, ...], want: Want, *, peer: str = "127.0.0.1"
) -> Row:
    return Row(name=name, call=Call(line, headers), want=want, variant="production", peer=peer)


def _cors(name: str, line: str, headers: tuple[str, ...], want: Want) -> Row:
    return Row(name=name, call=Call(line, headers), want=want)


ROWS = (
    _row("http without credentials", "GET /auth/me", (_HOST,), _moved("/auth/me")),
    _row("http, port 80", "GET /auth/me", ("Host: app.example.com:80",), _moved("/auth/me")),
    _row(
        "http with a query",
        "GET /auth/me?a=1&b=%20%C3%A9",
        (_HOST,),
        _moved("/auth/me?a=1&b=%20%C3%A9"),
    ),
    _row(
        "http with a path in other letters", "GET /caf%C3%A9//x", (_HOST,), _moved("/caf%C3%A9//x")
    ),
    _row("http, HEAD", "HEAD /auth/me", (_HOST,), _moved("/auth/me")),
    _row("http, POST", "POST /auth/logout", (_HOST,), _HTTPS),
    _row("http, OPTIONS", "OPTIONS /auth/me", (_HOST, _SPA, _PREFLIGHT), _HTTPS),
    _row("http with a token", "GET /auth/me", (_HOST, bearer("access")), _HTTPS),
    _row("http with Basic", "GET /auth/me", (_HOST, "Authorization: Basic YWRhOnB3"), _HTTPS),
    _row("http with a cookie", "GET /auth/me", (_HOST, "Cookie: <A>=<access>"), _HTTPS),
    _row("http with a refresh cookie", "GET /auth/me", (_HOST, "Cookie: <R>=<refresh>"), _HTTPS),
    _row(
        "http with another cookie",
        "GET /auth/me",
        (_HOST, "Cookie: theme=dark"),
        _moved("/auth/me"),
    ),
    _row("http, Host evil.example", "GET /auth/me", ("Host: evil.example",), _HTTPS),
    _row("http, Host with a foreign port", "GET /auth/me", ("Host: app.example.com:8443",), _HTTPS),
    _row(
        "X-Forwarded-Proto from the proxy",
        "GET /auth/me",
        (_HOST, _FORWARDED),
        refused("token_missing", _HSTS),
    ),
    *(
        _row(
            f"X-Forwarded-Proto {written} beside X-Forwarded-For from the proxy",
            "GET /auth/me",
            (_HOST, f"X-Forwarded-Proto: {written}", _FOR),
            refused("token_missing", _HSTS),
        )
        for written in ("https", "HTTPS", "https,https", "http, https")
    ),
    _row(
        "X-Forwarded-Proto http from the proxy",
        "GET /auth/me",
        (_HOST, "X-Forwarded-Proto: http"),
        _moved("/auth/me"),
    ),
    _row(
        "X-Forwarded-Proto from a stranger",
        "POST /auth/logout",
        (_HOST, _FORWARDED),
        _HTTPS,
        peer=_STRANGER,
    ),
    _row(
        "X-Forwarded-Proto from a stranger, GET",
        "GET /auth/me",
        (_HOST, _FORWARDED),
        _moved("/auth/me"),
        peer=_STRANGER,
    ),
    _row(
        "X-Forwarded-Host from the proxy",
        "GET /auth/me",
        ("Host: inner", "X-Forwarded-Host: app.example.com"),
        _moved("/auth/me"),
    ),
    _row(
        "X-Forwarded-Host beside X-Forwarded-For from the proxy",
        "GET /auth/me",
        ("Host: inner", "X-Forwarded-Host: app.example.com", _FOR),
        _moved("/auth/me"),
    ),
    _row(
        "X-Forwarded-Host from a stranger",
        "GET /auth/me",
        ("Host: inner", "X-Forwarded-Host: app.example.com"),
        _HTTPS,
        peer=_STRANGER,
    ),
    _row(
        "X-Forwarded-Host evil.example from the proxy",
        "GET /auth/me",
        (_HOST, "X-Forwarded-Host: evil.example"),
        _HTTPS,
    ),
    _cors("preflight", "OPTIONS /auth/refresh", (_SPA, _PREFLIGHT), Want(204, "", _ALLOWED)),
    _cors(
        "preflight of a guarded route",
        "OPTIONS /private",
        (_SPA, _PREFLIGHT),
        Want(204, "", _ALLOWED),
    ),
    _cors(
        "preflight of another origin",
        "OPTIONS /auth/refresh",
        ("Origin: https://evil.example", _PREFLIGHT),
        Want(204, "", (_VARY,)),
    ),
    _cors(
        "an answer for another site", "GET /auth/me", (_SPA,), refused("token_missing", *_SHARED)
    ),
    _cors(
        "an answer for a site that is not allowed",
        "GET /auth/me",
        ("Origin: https://evil.example",),
        refused("token_missing"),
    ),
    Row(
        name="a refusal of a refresh for another site",
        call=Call("POST /auth/refresh", (JSON, _SPA), "{}"),
        want=refused("refresh_missing", *_SHARED),
    ),
)
