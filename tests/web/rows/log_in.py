"""Logging in with a password: both bodies, and every refusal."""

from tests.web.rows.row import FORM, JSON, LOGGED_IN, READABLE, Call, Row, done, refused

_GOOD = '{"username":"ada","password":"<password>"}'
_INVALID = refused("invalid_request")


def _row(name: str, headers: tuple[str, ...], body: str, want: object = _INVALID) -> Row:
    return Row(name=name, call=Call("POST /auth/login", headers, body), want=want)  # type: ignore[arg-type]


ROWS = (
    _row("log in", (JSON,), _GOOD, done(LOGGED_IN)),
    _row("log in with a form", (FORM,), "username=ada&password=<form_password>", done(LOGGED_IN)),
    _row(
        "log in with the OAuth2 form",
        (FORM,),
        "grant_type=password&username=ada&password=<form_password>&scope=",
        done(LOGGED_IN),
    ),
    _row(
        "log in past a Basic header",
        (JSON, "Authorization: Basic YWRhOnB3"),
        _GOOD,
        done(LOGGED_IN),
    ),
    _row(
        "log in from another site, for a body",
        (JSON, "Origin: https://evil.example"),
        _GOOD,
        done(LOGGED_IN),
    ),
    *(
        _row(
            f"log in with a form from another site, {told}",
            (FORM, told),
            "username=ada&password=<form_password>",
            refused("csrf_failed"),
        )
        for told in ("Origin: https://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site")
    ),
    *(
        _row(
            f"log in with a form from a page of ours, {told[0]}",
            (FORM, *told),
            "username=ada&password=<form_password>",
            done(LOGGED_IN, *(READABLE if told[0] == "Origin: <origin>" else ())),
        )
        for told in (
            ("Origin: <origin>", "Sec-Fetch-Site: cross-site"),
            ("Sec-Fetch-Site: same-origin", "Origin: http://other.name"),
            ("Host: 192.0.2.5:8000", "Origin: http://192.0.2.5:8000"),
        )
    ),
    _row(
        "a wrong password",
        (JSON,),
        '{"username":"ada","password":"not the password"}',
        refused("invalid_credentials"),
    ),
    _row(
        "nobody of that name",
        (JSON,),
        '{"username":"nobody","password":"<password>"}',
        refused("invalid_credentials"),
    ),
    _row("log in with nothing", (), ""),
    _row("log in with what is no JSON", (JSON,), "{"),
    _row("log in with a list", (JSON,), "[]"),
    _row("log in without a password", (JSON,), '{"username":"ada"}'),
    _row("log in with an empty name", (JSON,), '{"username":"","password":"x"}'),
    _row("log in with a number", (JSON,), '{"username":"ada","password":7}'),
    _row("log in with a name twice", (JSON,), '{"username":"ada","username":"ada","password":"x"}'),
    _row("log in with JSON called text", ("Content-Type: text/plain",), _GOOD),
    _row("log in with another grant", (FORM,), "grant_type=code&username=ada&password=x"),
    _row("log in with cookies that are neither", (JSON,), _GOOD[:-1] + ',"cookies":"maybe"}'),
    _row("log in with a password too long", (JSON,), _GOOD.replace("<password>", "p" * 1025)),
    _row("log in with a body too long", (JSON,), " " * 70_000),
    Row(
        name="GET on the log-in",
        call=Call("GET /auth/login"),
        want=refused("method_not_allowed", "Allow: POST"),
    ),
    Row(
        name="the store is down: log in",
        call=Call("POST /auth/login", (JSON,), _GOOD),
        want=refused("store_unavailable"),
        is_down=True,
    ),
)
