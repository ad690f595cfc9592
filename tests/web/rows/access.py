"""Access tokens in headers: where they are looked for, and every reason to refuse one."""

from dataclasses import replace

from tests.web.rows.row import JSON, Call, Row, Want, bearer, refused, shown

_TWICE = refused("invalid_request", challenge="invalid_request")
_REFUSED: tuple[tuple[str, tuple[str, ...], Want], ...] = (
    ("no token", (), refused("token_missing")),
    ("an empty Authorization", ("Authorization: ",), refused("token_missing")),
    ("Bearer without a token", ("Authorization: Bearer",), refused("token_missing")),
    ("Basic", ("Authorization: Basic YWRhOnB3",), refused("token_missing")),
    ("another header", ("X-Authorization: Bearer <access>",), refused("token_missing")),
    ("an empty cookie", ("Cookie: <A>=",), refused("token_missing")),
    ("Authorization twice", (bearer("access"), bearer("access")), _TWICE),
    ("two different tokens", (bearer("access"), bearer("grace")), _TWICE),
    ("Bearer and Basic", (bearer("access"), "Authorization: Basic YWRhOnB3"), _TWICE),
    ("Basic and Bearer", ("Authorization: Basic YWRhOnB3", bearer("access")), _TWICE),
    ("two in one header", ("Authorization: Bearer <access>, Bearer <access>",), _TWICE),
    ("expired", (bearer("expired"),), refused("token_expired")),
    ("forged", (bearer("forged"),), refused("token_invalid")),
    ("not a token", ("Authorization: Bearer abcdefgh",), refused("token_invalid")),
    ("cut", (bearer("cut"),), refused("token_invalid")),
    ("padded", ("Authorization: Bearer <access>=",), refused("token_invalid")),
    ("of another type", (bearer("wrong_type"),), refused("token_invalid")),
    ("a refresh token", (bearer("refresh"),), refused("token_invalid")),
    ("for another audience", (bearer("wrong_audience"),), refused("token_invalid")),
    ("of another issuer", (bearer("wrong_issuer"),), refused("token_invalid")),
    ("revoked by token", (bearer("revoked_token"),), refused("token_revoked")),
    ("revoked by session", (bearer("revoked_session"),), refused("token_revoked")),
    ("revoked by subject", (bearer("revoked_subject"),), refused("token_revoked")),
    ("expired and revoked", (bearer("expired_revoked"),), refused("token_expired")),
)
_ANY_CASE = ("bearer", "BEARER", "bEaReR")


def _on_both(name: str, headers: tuple[str, ...], want: Want) -> list[Row]:
    """On a route of gatepass and on one of the application."""
    return [
        Row(name=f"{name}: me", call=Call("GET /auth/me", headers), want=want),
        Row(
            name=f"{name}: private",
            call=Call("GET /private", headers),
            want=want,
            needs_routes=True,
        ),
    ]


def _route(name: str, line: str, headers: tuple[str, ...], want: Want, *first: Call) -> Row:
    return Row(name=name, call=Call(line, headers), want=want, first=first, needs_routes=True)


_REFRESH = Call(
    "POST /auth/refresh", ("Content-Type: application/json",), '{"refresh_token":"<old_refresh>"}'
)
_SCOPES = ', scope="reports:read reports:write"'
_MAX_AGE = ', max_age="300"'
_KEYS_HEADERS = (JSON, "Cache-Control: public, max-age=300")
_MEMBER = Call("GET /private", (bearer("member"),))
_MEMBERS_CLAIMS = (
    '{"subject":"<subject>","org":{"id":[1]},"typed":{"org":{"id":[1]},"teams":[{"name":"red"}]}}'
)
_STALE = refused("insufficient_user_authentication", parameters=_MAX_AGE)

ROWS = (
    *(row for case in _REFUSED for row in _on_both(*case)),
    *(
        _route(
            f"{scheme} as the scheme",
            "GET /private",
            (f"Authorization: {scheme} <access>",),
            shown(),
        )
        for scheme in _ANY_CASE
    ),
    _route("a good token", "GET /private", (bearer("access"),), shown()),
    _route("a good token, POST", "POST /private", (bearer("access"),), shown()),
    _route(
        "a token in the query string",
        "GET /private?access_token=<access>",
        (),
        refused("token_missing"),
    ),
    Row(
        name="a token in the query string: me",
        call=Call("GET /auth/me?access_token=<access>&token=<access>"),
        want=refused("token_missing"),
    ),
    _route(
        "a token whose claims three requests have changed",
        _MEMBER.line,
        _MEMBER.headers,
        Want(200, _MEMBERS_CLAIMS, (JSON,)),
        *[_MEMBER] * 3,
    ),
    _route("the right role", "GET /admin", (bearer("access"),), shown()),
    _route("another role", "GET /admin", (bearer("grace"),), refused("insufficient_scope")),
    _route("every scope", "GET /reports", (bearer("access"),), shown()),
    _route(
        "a scope is missing",
        "GET /reports",
        (bearer("grace"),),
        refused("insufficient_scope", parameters=_SCOPES),
    ),
    _route("a fresh log-in", "GET /transfer", (bearer("access"),), shown()),
    _route("a stale log-in", "GET /transfer", (bearer("stale"),), _STALE),
    _route(
        "a stale log-in right after a refresh",
        "GET /transfer",
        (bearer("answer.access_token"),),
        _STALE,
        _REFRESH,
    ),
    _route("optional, nobody", "GET /open", (), shown(subject="null")),
    _route(
        "optional, Basic", "GET /open", ("Authorization: Basic YWRhOnB3",), shown(subject="null")
    ),
    _route("optional, somebody", "GET /open", (bearer("access"),), shown()),
    _route("optional, expired", "GET /open", (bearer("expired"),), refused("token_expired")),
    _route("optional, forged", "GET /open", (bearer("forged"),), refused("token_invalid")),
    _route(
        "optional, revoked", "GET /open", (bearer("revoked_session"),), refused("token_revoked")
    ),
    *(
        Row(
            name=f"the store is down: {line}",
            call=Call(line, (bearer("access"),)),
            want=refused("store_unavailable"),
            is_down=True,
            needs_routes=not line.partition(" ")[2].startswith("/auth"),
        )
        for line in (
            "GET /auth/me",
            "GET /private",
            "GET /open",
            "GET /admin",
            "GET /auth/sessions",
            "POST /auth/logout",
            "POST /auth/logout-all",
            "DELETE /auth/sessions/x",
        )
    ),
    Row(
        name="the store is down and there is no token",
        call=Call("GET /auth/me"),
        want=refused("token_missing"),
        is_down=True,
    ),
    Row(
        name="the store is down and the token is forged",
        call=Call("GET /auth/me", (bearer("forged"),)),
        want=refused("token_invalid"),
        is_down=True,
    ),
    Row(
        name="the key set",
        call=Call("GET /.well-known/jwks.json"),
        want=Want(
            200,
            '{"keys":[]}',
            _KEYS_HEADERS,
        ),
    ),
    Row(
        name="HEAD of the key set",
        call=Call("HEAD /.well-known/jwks.json"),
        want=Want(200, "", _KEYS_HEADERS),
    ),
    *(
        Row(
            name=f"HEAD {path}",
            call=Call(f"HEAD {path}", (bearer("access"),)),
            want=Want(200, "", (JSON, "Cache-Control: no-store")),
        )
        for path in ("/auth/me", "/auth/sessions")
    ),
    Row(
        name="HEAD without a token",
        call=Call("HEAD /auth/me"),
        want=replace(refused("token_missing"), body=""),
    ),
)
