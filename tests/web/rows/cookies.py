"""Tokens in cookies: what sets, reads, renews and clears them, and what another site cannot do."""

from dataclasses import replace

from tests.web.rows.log_out import DONE
from tests.web.rows.row import (
    FORM,
    IN_COOKIES,
    JSON,
    PAIR,
    READABLE,
    Call,
    Row,
    Want,
    bearer,
    done,
    in_production,
    refused,
    shown,
)

_LOG_IN = '{"username":"ada","password":"<password>","cookies":true}'
_OURS = "Origin: <origin>"
_FOREIGN = "Origin: https://evil.example"
_SAME = "Sec-Fetch-Site: same-origin"
_BOTH = "Cookie: <A>=<access>; <R>=<refresh>; <C>=<csrf_of_session>"
_ACCESS = "Cookie: theme=dark; <A>=<access>"
_CSRF = "X-CSRF-Token: <csrf_of_session>"
SET = (
    "Set-Cookie: <A>=<token>; HttpOnly; Max-Age=<week>; Path=/; SameSite=Strict<secure>",
    "Set-Cookie: <R>=<jwt>; HttpOnly; Max-Age=<week>; Path=/auth; SameSite=Strict<secure>",
    "Set-Cookie: <C>=<csrf>; Max-Age=<week>; Path=/; SameSite=Strict<secure>",
)
_MARKED = (
    *SET,
    "Set-Cookie: <D>=<jwt>; HttpOnly; Max-Age=31536000; Path=/; SameSite=Strict<secure>",
)
CLEARED = (
    "Set-Cookie: <A>=; HttpOnly; Max-Age=0; Path=/; SameSite=Strict<secure>",
    "Set-Cookie: <R>=; HttpOnly; Max-Age=0; Path=/auth; SameSite=Strict<secure>",
    "Set-Cookie: <C>=; Max-Age=0; Path=/; SameSite=Strict<secure>",
)
_REFUSED = refused("csrf_failed")


def _row(name: str, line: str, headers: tuple[str, ...], want: Want, *, body: str = "") -> Row:
    is_ours = line.partition(" ")[2].startswith("/auth")
    if is_ours and _OURS in headers:
        want = replace(want, headers=(*want.headers, *READABLE))
    return Row(name=name, call=Call(line, headers, body), want=want, needs_routes=not is_ours)


def _log_in(name: str, headers: tuple[str, ...], want: Want) -> Row:
    return _row(name, "POST /auth/login", (JSON, *headers), want, body=_LOG_IN)


_CHECKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("CSRF missing", (_OURS,)),
    ("CSRF wrong", (_OURS, "X-CSRF-Token: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
    ("CSRF empty", (_OURS, "X-CSRF-Token: ")),
    ("CSRF of another session", (_OURS, "X-CSRF-Token: <csrf_of_grace>")),
    ("CSRF twice", (_OURS, _CSRF, _CSRF)),
    ("Origin foreign", (_FOREIGN, _CSRF)),
    ("Origin null", ("Origin: null", _CSRF)),
    ("Origin of another scheme", ("Origin: <other_scheme>", _CSRF)),
    ("Origin foreign and Sec-Fetch-Site good", (_FOREIGN, _SAME, _CSRF)),
    ("Origin absent and Sec-Fetch-Site too", (_CSRF,)),
    ("Origin absent and Sec-Fetch-Site same-site", ("Sec-Fetch-Site: same-site", _CSRF)),
    ("Origin absent and Sec-Fetch-Site cross-site", ("Sec-Fetch-Site: cross-site", _CSRF)),
    ("Origin as the Host says", ("Host: evil.example", "Origin: http://evil.example", _CSRF)),
)
_GOOD: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("CSRF good", (_OURS, _CSRF)),
    ("Origin absent and Sec-Fetch-Site same-origin", (_SAME, _CSRF)),
    ("CSRF under the previous key", (_OURS, "X-CSRF-Token: <csrf_under_previous>")),
)

_DEVELOPMENT = (
    _log_in("log in for cookies", (_OURS,), done(IN_COOKIES, *_MARKED)),
    _log_in("log in for cookies, Sec-Fetch-Site same-origin", (_SAME,), done(IN_COOKIES, *_MARKED)),
    _row(
        "log in for cookies with a form",
        "POST /auth/login",
        (FORM, _OURS),
        done(IN_COOKIES, *_MARKED),
        body="username=ada&password=<form_password>&cookies=true",
    ),
    _log_in("a cross-site log-in that would set cookies", (_FOREIGN,), _REFUSED),
    _log_in("a log-in for cookies that does not say from where", (), _REFUSED),
    _row("a cookie reads", "GET /private", (_ACCESS,), shown()),
    _row("a cookie reads from another site", "GET /private", (_ACCESS, _FOREIGN), shown()),
    _row("a cookie on an optional route", "GET /open", (_ACCESS,), shown()),
    _row("a cookie reads with its CSRF token", "GET /private", (_ACCESS, _CSRF), shown()),
    _row(
        "a cookie reads with the CSRF token of another session",
        "GET /private",
        (_ACCESS, "X-CSRF-Token: <csrf_of_grace>"),
        _REFUSED,
    ),
    _row(
        "an expired cookie is told as expired",
        "GET /auth/me",
        ("Cookie: <A>=<expired>",),
        refused("token_expired"),
    ),
    _row("a forged cookie", "GET /auth/me", ("Cookie: <A>=<forged>",), refused("token_invalid")),
    _row(
        "a cookie twice",
        "GET /auth/me",
        ("Cookie: <A>=<access>; <A>=<access>",),
        refused("invalid_request"),
    ),
    _row("a cookie in two headers", "GET /auth/me", (_ACCESS, _ACCESS), refused("invalid_request")),
    _row(
        "a cookie joined by a comma",
        "GET /auth/me",
        ("Cookie: <A>=<access>,<A>=<access>",),
        refused("invalid_request"),
    ),
    _row(
        "a cookie of almost the name",
        "GET /auth/me",
        ("Cookie: x<A>=<access>",),
        refused("token_missing"),
    ),
    _row(
        "the header beats the cookie",
        "POST /private",
        (bearer("access"), "Cookie: <A>=<forged>", _FOREIGN),
        shown(),
    ),
    _row(
        "a bad header beats a good cookie",
        "GET /private",
        (bearer("forged"), _ACCESS),
        refused("token_invalid"),
    ),
    *(_row(f"{n}: private", "POST /private", (_ACCESS, *h), _REFUSED) for n, h in _CHECKS),
    *(_row(f"{n}: private", "POST /private", (_ACCESS, *h), shown()) for n, h in _GOOD),
    _row("CSRF missing: optional", "POST /open", (_ACCESS, _OURS), _REFUSED),
    *(
        _row(f"{name}: {line}", line, (_BOTH, *headers), _REFUSED)
        for line in (
            "POST /auth/refresh",
            "POST /auth/logout",
            "POST /auth/logout-all",
            "DELETE /auth/sessions/<session_of_access>",
        )
        for name, headers in _CHECKS
    ),
    *(
        _row(f"{n}: refresh", "POST /auth/refresh", (_BOTH, *h), done(IN_COOKIES, *SET))
        for n, h in _GOOD
    ),
    _row(
        "refresh with an expired access cookie",
        "POST /auth/refresh",
        (
            "Cookie: <A>=<expired>; <R>=<expired_pair_refresh>",
            _OURS,
            "X-CSRF-Token: <csrf_of_expired>",
        ),
        done(IN_COOKIES, *SET),
    ),
    _row(
        "refresh without an access cookie",
        "POST /auth/refresh",
        ("Cookie: <R>=<refresh>", _OURS, _CSRF),
        _REFUSED,
    ),
    _row(
        "refresh with a forged access cookie",
        "POST /auth/refresh",
        ("Cookie: <A>=<forged>; <R>=<refresh>", _OURS, _CSRF),
        _REFUSED,
    ),
    _row(
        "refresh with cookies of two sessions",
        "POST /auth/refresh",
        ("Cookie: <A>=<access>; <R>=<grace_refresh>", _OURS, _CSRF),
        _REFUSED,
    ),
    _row(
        "refresh without a refresh cookie",
        "POST /auth/refresh",
        (_ACCESS, _OURS, _CSRF),
        refused("refresh_missing"),
    ),
    _row(
        "a refresh cookie twice",
        "POST /auth/refresh",
        (_ACCESS + "; <R>=<refresh>; <R>=<refresh>", _OURS, _CSRF),
        refused("invalid_request"),
    ),
    _row(
        "a late answer of an old session leaves the cookies of the new one",
        "POST /auth/refresh",
        (
            "Cookie: <A>=<revoked_session>; <R>=<revoked_refresh>",
            _OURS,
            "X-CSRF-Token: <csrf_of_revoked>",
        ),
        refused("refresh_revoked"),
    ),
    Row(
        name="a late refresh of a session that a log-in replaced leaves the new cookies",
        first=(Call("POST /auth/login", (JSON, _OURS, _BOTH), _LOG_IN),),
        call=Call("POST /auth/refresh", (_BOTH, _OURS, _CSRF)),
        want=refused("refresh_revoked", *READABLE),
    ),
    Row(
        name="a log-in that fails leaves the session that it would have replaced",
        first=(
            Call("POST /auth/login", (JSON, _OURS, _BOTH), _LOG_IN.replace("<password>", "no")),
            Call("POST /auth/login", (JSON, _FOREIGN, _BOTH), _LOG_IN),
            Call("POST /auth/login", (JSON, _BOTH), _LOG_IN.replace("true", "false")),
        ),
        call=Call("POST /auth/refresh", (_BOTH, _OURS, _CSRF)),
        want=done(IN_COOKIES, *SET, *READABLE),
    ),
    _row(
        "a refresh in the body sets no cookies",
        "POST /auth/refresh",
        (JSON, _BOTH, _FOREIGN),
        done(PAIR),
        body='{"refresh_token":"<refresh>"}',
    ),
    _row("log out by cookie", "POST /auth/logout", (_BOTH, _OURS, _CSRF), done(DONE, *CLEARED)),
    _row(
        "log out by an access cookie alone",
        "POST /auth/logout",
        (_ACCESS, _OURS, _CSRF),
        done(DONE, *CLEARED),
    ),
    _row(
        "log out by cookie past a refresh cookie that a sub-domain added",
        "POST /auth/logout",
        (_BOTH + "; <R>=<grace_refresh>", _OURS, _CSRF),
        done(DONE, *CLEARED),
    ),
    _row(
        "log out by cookie past a refresh cookie that a sub-domain put in its place",
        "POST /auth/logout",
        (_ACCESS + "; <R>=<grace_refresh>", _OURS, _CSRF),
        done(DONE, *CLEARED),
    ),
    _row(
        "log out by header leaves the cookies",
        "POST /auth/logout",
        (_BOTH, bearer("access")),
        done(DONE),
    ),
    _row(
        "log out everywhere by cookie",
        "POST /auth/logout-all",
        (_BOTH, _OURS, _CSRF),
        done('{"message":"Logged out everywhere","revoked":<n>}', *CLEARED),
    ),
)
_STRICT = {
    "log in for cookies",
    "a cross-site log-in that would set cookies",
    "a cookie reads",
    "CSRF good: private",
    "CSRF missing: private",
    "CSRF good: refresh",
    "log out by cookie",
}
ROWS = (*_DEVELOPMENT, *(in_production(row) for row in _DEVELOPMENT if row.name in _STRICT))
