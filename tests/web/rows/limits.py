"""Guesses at one account: for its owner on a marked device, and for everybody else."""

from tests.web.rows.row import JSON, LOGGED_IN, Call, Row, Want, done, in_production, refused

_LIMITED = refused("rate_limited")


def _call(name: str, password: str, more: str = "") -> Call:
    body = f'{{"username":"{name}","password":"{password}"{more}}}'
    return Call("POST /auth/login", (JSON,), body)


def _row(name: str, first: tuple[Call, ...], call: Call, want: Want) -> Row:
    return Row(name=f"limits: {name}", first=first, call=call, want=want)


_OWNER = _call("grace", "<other_password>")
_GUESSES = (_call("grace", "a guess"),) * 10
_ROWS = (
    _row(
        "ten guesses, and the owner on a marked device",
        (_OWNER, *_GUESSES),
        _call("grace", "<other_password>", ',"device_token":"<answer.device_token>"'),
        done(LOGGED_IN),
    ),
    _row("the eleventh guess", _GUESSES, _GUESSES[0], _LIMITED),
    _row("the owner on another device", _GUESSES, _OWNER, _LIMITED),
    _row("the name in capitals", _GUESSES, _call(" GRACE", "a guess"), _LIMITED),
    _row(
        "an unknown name",
        (_call("nobody here", "a guess"),) * 10,
        _call("nobody here", "a guess"),
        _LIMITED,
    ),
    _row(
        "a mark of nobody's",
        _GUESSES,
        _call("grace", "<other_password>", ',"device_token":"<access>"'),
        _LIMITED,
    ),
    _row(
        "a mark that is no text",
        (),
        _call("grace", "<other_password>", ',"device_token":7'),
        refused("invalid_request"),
    ),
)
ROWS = (*_ROWS, *map(in_production, _ROWS))
