"""Logging out, and the list of sessions."""

from tests.web.rows.row import JSON, Call, Row, Want, bearer, done, refused

DONE = '{"message":"Logged out successfully"}'
_BY_REFRESH = '{"refresh_token":"<refresh>"}'
_ME = Call("GET /auth/me", (bearer("access"),))


def _row(name: str, headers: tuple[str, ...], want: Want, *first: Call, body: str = "") -> Row:
    call = Call("POST /auth/logout", (*headers, JSON) if body else headers, body)
    return Row(name=name, call=call, want=want, first=first)


def _then(name: str, call: Call, want: Want, *first: Call) -> Row:
    return Row(name=name, call=call, want=want, first=first)


_OUT = Call("POST /auth/logout", (bearer("access"),))
_OUT_EVERYWHERE = Call("POST /auth/logout-all", (bearer("access"),))
_REFRESH = Call("POST /auth/refresh", (JSON,), _BY_REFRESH)
_SESSION = (
    '{"session_id":"<session>","device":<device>,"client_id":"app","created_at":<n>,'
    '"last_used_at":<n>,"expires_at":<n>,"current":true}'
)

ROWS = (
    _row("log out", (bearer("access"),), done(DONE)),
    _row("log out twice", (bearer("access"),), done(DONE), _OUT),
    _row("log out with an expired token", (bearer("expired"),), done(DONE)),
    _row("log out with a refresh token", (), done(DONE), body=_BY_REFRESH),
    _row(
        "log out with a refresh token that was used before",
        (),
        done(DONE),
        body='{"refresh_token":"<reused_refresh>"}',
    ),
    _row("log out, malformed", (bearer("access"),), refused("invalid_request"), body="{"),
    _row("log out with both", (bearer("access"),), done(DONE), body=_BY_REFRESH),
    _row(
        "log out with tokens of two sessions",
        (bearer("grace"),),
        refused("token_invalid"),
        body=_BY_REFRESH,
    ),
    _row("log out with nothing", (), refused("token_missing")),
    _row("log out with a forged token", (bearer("forged"),), refused("token_invalid")),
    _row(
        "log out with a forged refresh token",
        (),
        refused("refresh_invalid"),
        body='{"refresh_token":"<forged_refresh>"}',
    ),
    _then("log out, then use the token", _ME, refused("token_revoked"), _OUT),
    _then("log out, then refresh", _REFRESH, refused("refresh_revoked"), _OUT),
    _then(
        "log out everywhere",
        _OUT_EVERYWHERE,
        done('{"message":"Logged out everywhere","revoked":<n>}'),
    ),
    _then("log out everywhere, then use the token", _ME, refused("token_revoked"), _OUT_EVERYWHERE),
    _then(
        "log out everywhere with nothing", Call("POST /auth/logout-all"), refused("token_missing")
    ),
    _then(
        "log out everywhere as who acts as the user",
        Call("POST /auth/logout-all", (bearer("actor"),)),
        refused("insufficient_scope"),
    ),
    _then(
        "log out everywhere as who acts as the user, after a refresh",
        Call("POST /auth/logout-all", (bearer("answer.access_token"),)),
        refused("insufficient_scope"),
        Call("POST /auth/refresh", (JSON,), '{"refresh_token":"<actor_refresh>"}'),
    ),
    _then(
        "end the user's session as who acts as them",
        Call("DELETE /auth/sessions/<session>", (bearer("actor"),)),
        refused("insufficient_scope"),
    ),
    _then(
        "end one's own session as who acts as the user",
        Call("DELETE /auth/sessions/<actors_session>", (bearer("actor"),)),
        done("", status=204),
    ),
    _then(
        "the caller's sessions",
        Call("GET /auth/sessions", (bearer("alone"),)),
        done(f'{{"sessions":[{_SESSION}]}}'),
    ),
    _then(
        "end a session of one's own",
        Call("DELETE /auth/sessions/<session>", (bearer("alone"),)),
        done("", status=204),
    ),
    _then(
        "end somebody else's session",
        Call("DELETE /auth/sessions/<session>", (bearer("grace"),)),
        refused("session_unknown"),
    ),
    _then(
        "end a session that never was",
        Call("DELETE /auth/sessions/x", (bearer("access"),)),
        refused("session_unknown"),
    ),
    _then(
        "end a session without a token", Call("DELETE /auth/sessions/x"), refused("token_missing")
    ),
    _then(
        "POST on the claims",
        Call("POST /auth/me", (bearer("access"),)),
        refused("method_not_allowed", "Allow: GET, HEAD"),
    ),
)
