"""Refreshing with a token in the body."""

from tests.web.rows.row import JSON, PAIR, Call, Row, Want, done, refused

_TOKENS: tuple[tuple[str, str, str], ...] = (
    ("a forged refresh token", "forged_refresh", "refresh_invalid"),
    ("an access token as a refresh token", "access", "refresh_invalid"),
    ("a refresh token of an unknown session", "unknown_refresh", "refresh_invalid"),
    ("an expired refresh token", "expired_refresh", "refresh_expired"),
    ("a refresh token of a revoked session", "revoked_refresh", "refresh_revoked"),
    ("a refresh token that was used before", "reused_refresh", "refresh_reused"),
)


def _row(name: str, body: str, want: Want, *first: Call, down: bool = False) -> Row:
    call = Call("POST /auth/refresh", (JSON,), body)
    return Row(name=name, call=call, want=want, first=first, is_down=down)


def _with(token: str) -> str:
    return f'{{"refresh_token":"<{token}>"}}'


ROWS = (
    _row("refresh", _with("refresh"), done(PAIR)),
    _row(
        "refresh with the successor",
        _with("answer.refresh_token"),
        done(PAIR),
        Call("POST /auth/refresh", (JSON,), _with("refresh")),
    ),
    _row(
        "refresh twice at once",
        _with("refresh"),
        done(PAIR.replace('"refresh_token":"<jwt>"', '"refresh_token":"<answer.refresh_token>"')),
        Call("POST /auth/refresh", (JSON,), _with("refresh")),
    ),
    *(_row(name, _with(token), refused(code)) for name, token, code in _TOKENS),
    _row("no refresh token", "{}", refused("refresh_missing")),
    _row("no body to refresh with", "", refused("refresh_missing")),
    _row("an empty refresh token", '{"refresh_token":""}', refused("refresh_missing")),
    _row("null for a refresh token", '{"refresh_token":null}', refused("refresh_missing")),
    _row("a refresh token in a list", "[]", refused("invalid_request")),
    _row("a number for a refresh token", '{"refresh_token":7}', refused("invalid_request")),
    _row("the store is down: refresh", _with("refresh"), refused("store_unavailable"), down=True),
    Row(
        name="PUT on the refresh",
        call=Call("PUT /auth/refresh"),
        want=refused("method_not_allowed", "Allow: POST"),
    ),
)
