"""Changing the password: which sessions end, and every refusal."""

from dataclasses import replace

from tests.web.rows.cookies import _BOTH, _CHECKS, _FOREIGN, _GOOD
from tests.web.rows.log_out import DONE
from tests.web.rows.row import (
    FORM,
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
)

_LINE = "POST /auth/password"
_SAME = '{"current_password":"<password>","new_password":"<password>"}'
_THERE = '{"current_password":"<password>","new_password":"<new_password>"}'
_BACK = '{"current_password":"<new_password>","new_password":"<password>"}'
_CHANGED = done('{"message":"Password changed"}')
_ACCESS = (bearer("access"), JSON)
_LOG_IN = '{"username":"ada","password":"<new_password>"}'


def _row(
    name: str, headers: tuple[str, ...] = _ACCESS, body: str = _SAME, want: Want = _CHANGED
) -> Row:
    return Row(name=name, call=Call(_LINE, headers, body), want=want)


def _after(name: str, call: Call, want: Want) -> Row:
    """A call after the change; both sessions have begun before it."""
    begun = Call("GET /auth/me", (bearer("second"),))
    return Row(name=name, call=call, want=want, first=(begun, Call(_LINE, _ACCESS, _SAME)))


def _refresh(token: str) -> Call:
    return Call("POST /auth/refresh", (JSON,), f'{{"refresh_token":"<{token}>"}}')


def _from_page(row: Row) -> Row:
    """The same where a page of ours reads the answer."""
    ours = "Origin: <origin>" in row.call.headers
    return replace(row, want=replace(row.want, headers=(*row.want.headers, *READABLE * ours)))


_MALFORMED: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("with nothing", _ACCESS, ""),
    ("with what is no JSON", _ACCESS, "{"),
    ("with a list", _ACCESS, "[]"),
    ("without the current one", _ACCESS, '{"new_password":"a long password"}'),
    ("without the new one", _ACCESS, '{"current_password":"<password>"}'),
    ("to an empty one", _ACCESS, '{"current_password":"<password>","new_password":""}'),
    ("to a number", _ACCESS, '{"current_password":"<password>","new_password":12345678}'),
    ("to null", _ACCESS, '{"current_password":"<password>","new_password":null}'),
    ("with a name twice", _ACCESS, _SAME[:-1] + ',"new_password":"<password>"}'),
    ("to one too long", _ACCESS, _SAME[:-2] + "p" * 1025 + '"}'),
    ("with a body too long", _ACCESS, " " * 70_000),
    ("with JSON called text", (bearer("access"), "Content-Type: text/plain"), _SAME),
    (
        "with a form",
        (bearer("access"), FORM),
        "current_password=<form_password>&new_password=<form_password>",
    ),
)
_TOKENS = (
    ("expired", refused("token_expired")),
    ("revoked_session", refused("token_revoked")),
    ("forged", refused("token_invalid")),
    ("refresh", refused("token_invalid")),
    ("actor", refused("insufficient_scope")),
    ("stale", refused("insufficient_user_authentication", parameters=', max_age="300"')),
)
_BY_COOKIE = _from_page(_row("change the password by cookie", (_BOTH, JSON, *_GOOD[0][1])))

ROWS = (
    _row("change the password"),
    _after("change, then use this session", _refresh("refresh"), done(PAIR)),
    _after(
        "change, then log out of this session",
        Call("POST /auth/logout", (bearer("access"),)),
        done(DONE),
    ),
    _after(
        "change, then use another session",
        Call("GET /auth/me", (bearer("second"),)),
        refused("token_revoked"),
    ),
    _after(
        "change, then refresh another session",
        _refresh("second_refresh"),
        refused("refresh_revoked"),
    ),
    Row(
        name="change, log in with the new password, and change back",
        first=(Call(_LINE, _ACCESS, _THERE), Call("POST /auth/login", (JSON,), _LOG_IN)),
        call=Call(_LINE, (bearer("answer.access_token"), JSON), _BACK),
        want=_CHANGED,
    ),
    Row(
        name="change, and log in with the password before",
        first=(Call(_LINE, _ACCESS, _THERE),),
        call=Call("POST /auth/login", (JSON,), '{"username":"ada","password":"<password>"}'),
        want=refused("invalid_credentials"),
    ),
    Row(
        name="change back, twice: the first answer was lost",
        first=(Call(_LINE, _ACCESS, _BACK),),
        call=Call(_LINE, _ACCESS, _BACK),
        want=_CHANGED,
    ),
    _row(
        "change a password that one does not know",
        body=_SAME.replace("<password>", "not the password", 1).replace("<password>", "longer one"),
        want=refused("password_wrong"),
    ),
    _row(
        "change to a password that breaks a rule",
        body=_THERE.replace("<new_password>", "short"),
        want=Want(
            400,
            '{"error":"A password has at least 8 characters","code":"password_rejected"}',
            (JSON, "Cache-Control: no-store"),
        ),
    ),
    _row("change the password without a token", (JSON,), want=refused("token_missing")),
    *(
        _row(f"change the password, token {token}", (bearer(token), JSON), want=want)
        for token, want in _TOKENS
    ),
    *(
        _row(f"change the password {name}", headers, body, refused("invalid_request"))
        for name, headers, body in _MALFORMED
    ),
    _BY_COOKIE,
    *(
        _from_page(
            _row(
                f"{name}: change the password", (_BOTH, JSON, *headers), want=refused("csrf_failed")
            )
        )
        for name, headers in _CHECKS
    ),
    _row(
        "change the password with a form of another site",
        (_BOTH, FORM, _FOREIGN),
        "current_password=<form_password>&new_password=<form_password>",
        refused("csrf_failed"),
    ),
    Row(
        name="GET on the password",
        call=Call("GET /auth/password"),
        want=refused("method_not_allowed", "Allow: POST"),
    ),
    Row(
        name="the store is down: change the password",
        call=Call(_LINE, _ACCESS, _SAME),
        want=refused("store_unavailable"),
        is_down=True,
    ),
    in_production(_BY_COOKIE),
)
