"""The input of the auth routes: bytes and header texts in, checked values out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl

from gatepass.http.problems import INVALID_REQUEST, RequestRefused

MAX_BODY: Final = 65_536
"""Bytes of a request body that are read; longer ones are rejected."""
MAX_CREDENTIAL: Final = 1_024
"""Bytes of a user name or password: hashing megabytes for a stranger is a gift to attackers."""
TOO_LONG: Final = f"the body is longer than {MAX_BODY} bytes, too slow, or broke off"
_MAX_DEVICE: Final = 200
_MAX_FIELDS: Final = 32


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and a password as they were typed; neither is empty."""

    username: str
    password: str = field(repr=False)
    wants_cookies: bool = False
    """The tokens are to come in cookies, out of reach of scripts, and not in the body."""
    is_form: bool = False
    """Whether a form brought them, which every page may send to every site."""
    device_token: str = field(default="", repr=False)
    """The mark of the device, of a client that has no cookies; empty if there is none."""


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password and the one to replace it, as they were typed; neither is empty."""

    current: str = field(repr=False)
    new: str = field(repr=False)


def parse_credentials(content_type: str | None, body: bytes) -> Credentials:
    """The credentials in a login's body: JSON, or the OAuth2 password form (RFC 6749 §4.3.2).

    Raises:
        RequestRefused: The body is neither, or a field is missing, empty, repeated or too long.
    """
    is_form = _media_type(content_type) == "application/x-www-form-urlencoded"
    if is_form:
        fields = _decode_form(body) if len(body) <= MAX_BODY else _refuse(TOO_LONG)
        if fields is None:
            _refuse("the body is not a form without repeated names")
        if fields.get("grant_type", "password") != "password":
            _refuse("grant_type is not password")
    else:
        fields = _parse_object(content_type, body)
    username, password = _text(fields, "username"), _text(fields, "password")
    if not username or not password:
        _refuse("username and password are not both there")
    if len(username.encode()) > MAX_CREDENTIAL or len(password.encode()) > MAX_CREDENTIAL:
        _refuse(f"username or password is longer than {MAX_CREDENTIAL} bytes")
    token = _text(fields, "device_token")
    return Credentials(username, password, _flag(fields, "cookies"), is_form, token)


def parse_new_password(content_type: str | None, body: bytes) -> NewPassword:
    """The passwords in the JSON body of a change.

    Raises:
        RequestRefused: The body is no JSON object, or a field is missing, empty, repeated or too
            long.
    """
    fields = _parse_object(content_type, body)
    current, new = _text(fields, "current_password"), _text(fields, "new_password")
    if not current or not new:
        _refuse("current_password and new_password are not both there")
    if len(current.encode()) > MAX_CREDENTIAL or len(new.encode()) > MAX_CREDENTIAL:
        _refuse(f"current_password or new_password is longer than {MAX_CREDENTIAL} bytes")
    return NewPassword(current, new)


def parse_refresh_token(content_type: str | None, body: bytes) -> str | None:
    """The `refresh_token` of a JSON body; `None` when body or member are empty or absent.

    Raises:
        RequestRefused: The body is not one JSON object, or the member is not a string.
    """
    if not body:
        return None
    return _text(_parse_object(content_type, body), "refresh_token") or None


def parse_device(user_agent: str | None) -> str | None:
    """A description of the client for the list of sessions: its `User-Agent`, made harmless."""
    printable = "".join(filter(str.isprintable, user_agent or ""))
    return printable[:_MAX_DEVICE].strip() or None


def _media_type(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()


def _parse_object(content_type: str | None, body: bytes) -> Mapping[str, Any]:
    """One JSON object without repeated names; a form of another site cannot send this type."""
    if len(body) > MAX_BODY:
        _refuse(TOO_LONG)
    if _media_type(content_type) != "application/json":
        _refuse("Content-Type is not application/json")
    value = _decode_json(body)
    if not isinstance(value, dict):
        _refuse("the body is not one JSON object without repeated names")
    return value


def _decode_json(body: bytes) -> object:
    """The decoded body, `None` when it is no JSON.

    The decoder's error ends here: it quotes the body, which holds a password or a token.
    """
    try:
        return json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None


def _decode_form(body: bytes) -> Mapping[str, Any] | None:
    """The decoded fields, `None` when it is no form; as with JSON, the error ends here."""
    try:
        pairs = parse_qsl(
            body.decode(),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
        return _unique(pairs)
    except ValueError:
        return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name is repeated")
    return members


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _text(fields: Mapping[str, Any], name: str) -> str:
    """A member as text, `""` when it is absent or null; half of a surrogate pair is no text."""
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        _refuse(f"{name} is not a string")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        _refuse(f"{name} holds half of a surrogate pair")
    return value


def _flag(fields: Mapping[str, Any], name: str) -> bool:
    """A member that is true or false, as a form writes it too; false when it is absent."""
    value = fields.get(name, False)
    if value in ("true", "false"):
        return bool(value == "true")
    if not isinstance(value, bool):
        _refuse(f"{name} is neither true nor false")
    return value


def _refuse(reason: str) -> NoReturn:
    raise RequestRefused(INVALID_REQUEST, reason=reason)
