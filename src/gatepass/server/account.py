"""`Account`: one person who may log in, and the bounds of an account's fields (pure)."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gatepass.errors import ClaimsRejected
from gatepass.server.errors import AccountRejected
from gatepass.server.usernames import parse_username
from gatepass.tokens.policy import require_subject

_MAX_FIELD: Final = 254
"""Bytes of an email address or a role; both and the user name fit into a session's claims."""
SUBJECT_DIGITS: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One person who may log in; tokens name the `subject`, never the user name."""

    subject: str
    username: str
    email: str | None
    role: str
    disabled: bool
    created_ms: int
    updated_ms: int
    password_hash: str = field(repr=False)

    @classmethod
    def new(
        cls,
        username: str,
        password_hash: str,
        *,
        email: str | None,
        role: str,
        disabled: bool = False,
        subject: str | None = None,
    ) -> "Account":
        """An account as of now, with a random subject unless there is one.

        Raises:
            AccountRejected: A value is out of bounds.
        """
        now_ms = now()
        return cls(
            subject=secrets.token_hex(SUBJECT_DIGITS // 2) if subject is None else _sub(subject),
            username=parse_username(username),
            email=None if email is None else _parse_field("an email address", email),
            role=_parse_field("a role", role),
            disabled=disabled,
            created_ms=now_ms,
            updated_ms=now_ms,
            password_hash=password_hash,
        )

    @property
    def claims(self) -> Mapping[str, Any]:
        """The claims of access tokens about this account."""
        claims = {"username": self.username, "email": self.email, "role": self.role}
        return {name: value for name, value in claims.items() if value is not None}


def now() -> int:
    """The time in milliseconds since 1970."""
    return int(time.time() * 1000)


def _sub(subject: str) -> str:
    try:
        return require_subject(subject)
    except ClaimsRejected as error:
        raise AccountRejected(str(error)) from None


def _parse_field(what: str, value: str) -> str:
    printable = value.isprintable() and " " not in value
    if not printable or not 0 < len(value.encode()) <= _MAX_FIELD:
        raise AccountRejected(f"{what} is 1 to {_MAX_FIELD} bytes of printable text without blanks")
    return value
