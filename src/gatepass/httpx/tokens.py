"""The pair that a client holds, and when to exchange it for the next (pure)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import msgspec

from gatepass.errors import TokenMalformed

_EARLY_S: Final = 30.0
_EARLY_SHARE: Final = 0.2
_ROUNDING_S: Final = 1.5
"""Servers count in whole seconds, so a token may end a second before it is expected to."""
_JITTER_SHARE: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """An access token, the refresh token of its session, and when the former expires."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float
    """Seconds since 1970, by this machine's clock."""
    lifetime: float
    """Seconds that the access token had left when it came."""
    is_refreshing: bool = field(default=False, compare=False)
    """Whether a refresh was sent whose answer is not kept yet; it makes no other pair of it."""

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any], *, now: float) -> Self:
        """The pair in the answer to a login or a refresh (RFC 6749 §5.1), which came just now.

        Raises:
            TokenMalformed: The answer holds no pair, or its type is another than "Bearer".
        """
        try:
            if "token_type" in answer and str(answer["token_type"]).lower() != "bearer":
                raise TokenMalformed("the answer's tokens are no bearer tokens")
            lifetime = answer["expires_in"]
            times = {"expires_at": now + lifetime, "lifetime": lifetime, "is_refreshing": False}
            return cls.from_members({**answer, **times})
        except (KeyError, TypeError):
            raise TokenMalformed("the answer holds no pair of tokens") from None

    @classmethod
    def from_members(cls, members: Mapping[str, Any]) -> Self:
        """The pair in members of the same names as its own; others are left alone."""
        access, refresh = members["access_token"], members["refresh_token"]
        expires_at, lifetime = members["expires_at"], members["lifetime"]
        if not (_is_token(access) and _is_token(refresh)):
            raise TokenMalformed("a token is a text of visible characters")
        if not all(_is_time(value) for value in (expires_at, lifetime)):
            raise TokenMalformed("a time is a number of seconds")
        return cls(
            access_token=access,
            refresh_token=refresh,
            expires_at=expires_at,
            lifetime=lifetime,
            is_refreshing=members.get("is_refreshing") is True,
        )

    def to_json(self) -> bytes:
        """All of it, tokens included, for a file that only its owner reads."""
        return msgspec.json.encode(self)

    def due_at(self, chance: float) -> float:
        """When to refresh: before the end, but not all clients at once.

        A refresh without an answer is due now: the server repeats its answer only for a while.

        Args:
            chance: A random number from 0 to 1, drawn once per pair.
        """
        if self.is_refreshing:
            return 0.0
        early_s = min(_EARLY_S, max(self.lifetime * _EARLY_SHARE, _ROUNDING_S))
        return self.expires_at - early_s - chance * self.lifetime * _JITTER_SHARE


def _is_token(value: object) -> bool:
    """Whether this can stand in a header."""
    return (
        isinstance(value, str)
        and value != ""
        and value.isascii()
        and value.isprintable()
        and " " not in value
    )


def _is_time(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
