"""API keys: the routes that take them, and those that never do."""

from tests.web.rows.row import JSON, Call, Row, Want, bearer, refused, shown

_INSUFFICIENT = refused("insufficient_scope")
_REPORTS = "GET /reports"
_SCOPES = ', scope="reports:read reports:write"'
_REFUSED: tuple[tuple[str, tuple[str, ...], Want], ...] = (
    (
        "without a scope",
        (bearer("reader_key"),),
        refused("insufficient_scope", parameters=_SCOPES),
    ),
    ("revoked", (bearer("revoked_key"),), refused("token_revoked")),
    ("of a revoked subject", (bearer("key_of_revoked_subject"),), refused("token_revoked")),
    ("expired", (bearer("expired_key"),), refused("token_expired")),
    ("that nobody issued", (bearer("unknown_key"),), refused("token_expired")),
    ("cut", (bearer("cut_key"),), refused("token_invalid")),
    ("in the access cookie", ("Cookie: <A>=<key>",), refused("token_invalid")),
    (
        "twice",
        (bearer("key"), bearer("key")),
        refused("invalid_request", challenge="invalid_request"),
    ),
)
_NEVER = (
    "GET /auth/me",
    "GET /auth/sessions",
    "DELETE /auth/sessions/<key_id>",
    "POST /auth/logout-all",
)
_ROUTES = ("GET /private", "POST /private", "GET /admin", "GET /transfer", "GET /open")


def _refresh(name: str) -> Row:
    body = f'{{"refresh_token":"<{name}>"}}'
    return Row(
        name=f"{name} as a refresh token",
        call=Call("POST /auth/refresh", (JSON,), body),
        want=refused("refresh_invalid"),
    )


ROWS = (
    Row(
        name="a key with every scope",
        call=Call(_REPORTS, (bearer("key"),)),
        want=shown(),
        needs_routes=True,
    ),
    *(
        Row(
            name=f"a key {name}",
            call=Call(_REPORTS, headers),
            want=want,
            needs_routes=True,
        )
        for name, headers, want in _REFUSED
    ),
    *(
        Row(
            name=f"a key: {line}",
            call=Call(line, (bearer("key"),)),
            want=_INSUFFICIENT,
            needs_routes=True,
        )
        for line in _ROUTES
    ),
    *(
        Row(name=f"a key: {line}", call=Call(line, (bearer("key"),)), want=_INSUFFICIENT)
        for line in _NEVER
    ),
    *(
        Row(
            name=f"a key: {line}, and the store is down",
            call=Call(line, (bearer("key"),)),
            want=_INSUFFICIENT,
            is_down=True,
        )
        for line in _NEVER
    ),
    Row(
        name="a key, and the store is down",
        call=Call(_REPORTS, (bearer("key"),)),
        want=refused("store_unavailable"),
        is_down=True,
        needs_routes=True,
    ),
    Row(
        name="a key that logs out",
        call=Call("POST /auth/logout", (bearer("key"),)),
        want=refused("token_invalid"),
    ),
    _refresh("key"),
    _refresh("unknown_key"),
    Row(
        name="a session ends no key",
        call=Call("DELETE /auth/sessions/<key_id>", (bearer("access"),)),
        want=refused("session_unknown"),
    ),
)
