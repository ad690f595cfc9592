"""Opaque access tokens only: tokens that the store does not have, and JWTs without a date."""

from dataclasses import replace

from tests.web.rows.cookies import CLEARED, SET
from tests.web.rows.log_out import DONE
from tests.web.rows.row import IN_COOKIES, JSON, READABLE, Call, Row, Want, bearer, done, refused

_OURS = "Origin: <origin>"
_CSRF = "X-CSRF-Token: <csrf_of_session>"
_FORGOTTEN = "Cookie: <A>=<unknown>; <R>=<refresh>; <C>=<csrf_of_session>"
_LOG_IN = '{"username":"ada","password":"<password>","cookies":true}'


def _row(name: str, call: Call, want: Want, *first: Call) -> Row:
    if _OURS in call.headers:
        want = replace(want, headers=(*want.headers, *READABLE))
    return Row(name=f"opaque: {name}", call=call, want=want, first=first, variant="opaque")


def _refresh(name: str, cookies: str, want: Want, *first: Call) -> Row:
    return _row(name, Call("POST /auth/refresh", (cookies, _OURS, _CSRF)), want, *first)


ROWS = (
    _row(
        "a token that the store does not have makes its client refresh",
        Call("GET /auth/me", (bearer("unknown"),)),
        refused("token_expired"),
    ),
    _row(
        "a JWT makes its client refresh",
        Call("GET /auth/me", (bearer("jwt_access"),)),
        refused("token_expired"),
    ),
    _row(
        "log out with a token that the store does not have",
        Call("POST /auth/logout", (bearer("unknown"),)),
        refused("token_expired"),
    ),
    _refresh("a browser whose token the store has removed", _FORGOTTEN, done(IN_COOKIES, *SET)),
    _refresh(
        "the same with the CSRF cookie of another session",
        _FORGOTTEN.replace("csrf_of_session", "csrf_of_grace"),
        refused("csrf_failed"),
    ),
    _refresh(
        "the same with a refresh cookie that a sub-domain put there",
        _FORGOTTEN.replace("refresh", "grace_refresh"),
        refused("csrf_failed"),
    ),
    _refresh(
        "the same without a CSRF cookie",
        _FORGOTTEN.partition("; <C>")[0],
        refused("csrf_failed"),
    ),
    _row(
        "the CSRF token for a page that was reloaded",
        Call("GET /auth/csrf", (_FORGOTTEN, _OURS)),
        done('{"csrf_token":"<csrf_of_session>"}'),
    ),
    _row(
        "no CSRF token without a refresh cookie",
        Call("GET /auth/csrf", ("Cookie: <A>=<unknown>; <C>=<csrf_of_session>", _OURS)),
        refused("token_expired"),
    ),
    _row(
        "a log-out of a browser whose token the store has removed",
        Call("POST /auth/logout", (_FORGOTTEN, _OURS, _CSRF)),
        done(DONE, *CLEARED),
    ),
    _refresh(
        "a log-in ends the session whose cookies it replaces",
        _FORGOTTEN,
        refused("refresh_revoked"),
        Call("POST /auth/login", (JSON, _OURS, _FORGOTTEN), _LOG_IN),
    ),
    replace(
        _refresh("the store is down", _FORGOTTEN, refused("store_unavailable")),
        is_down=True,
    ),
    replace(
        _refresh(
            "the store is down and has to be looked at",
            "Cookie: <A>=<access>; <R>=<refresh>",
            refused("store_unavailable"),
        ),
        is_down=True,
    ),
)
