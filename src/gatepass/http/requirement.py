"""Requirements of a route beyond a valid access token; decides from claims and a time."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from gatepass.http.problems import (
    INSUFFICIENT_SCOPE,
    INSUFFICIENT_USER_AUTHENTICATION,
    RequestRefused,
)

_MAX_SKEW: Final = 60
"""Seconds that the clock of the service that checked the password may be ahead."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """Scopes (all of them), roles (one of them), how long ago the login may be, and kinds.

    Without `kinds` a login passes, and an API key does where scopes are named and no `fresh`.

    Raises:
        TypeError: Scopes or roles are one string, or `fresh` is no `timedelta`.
        ValueError: Scopes, roles or kinds are empty, a scope is not one word, a kind is neither
            "session" nor "key", `fresh` is not positive, or keys are to be fresh.
    """

    scopes: Collection[str] | None = None
    roles: Collection[str] | None = None
    fresh: timedelta | None = None
    kinds: Collection[str] | None = None
    takes_sessions: bool = field(init=False)
    takes_keys: bool = field(init=False)
    asks: bool = field(init=False)
    """Whether there is any requirement."""

    def __post_init__(self) -> None:
        for name, value in (
            ("scopes", self.scopes),
            ("roles", self.roles),
            ("kinds", self.kinds),
        ):
            if isinstance(value, str):
                raise TypeError(f"{name} takes a tuple of names, not one string")
            # An iterator would be empty, and ask for nothing, from the second request on.
            names = () if value is None else tuple(value)
            if value is not None and not names:
                raise ValueError(
                    f"{name} is empty, so that every valid token would pass: name at least one, "
                    f"or leave {name} out"
                )
            object.__setattr__(self, name, names)
        for scope in self.scopes or ():
            if len(scope.split()) != 1:
                raise ValueError(f"each of scopes is one word, and {scope!r} is not")
        if self.fresh is not None and not isinstance(self.fresh, timedelta):
            raise TypeError(
                "fresh is how long ago the password may have been checked, as in "
                f"timedelta(minutes=5); it is not {self.fresh!r}"
            )
        if self.fresh is not None and self.fresh <= timedelta():
            raise ValueError("fresh is a positive duration")
        self._set_kinds()
        asks = bool(self.scopes or self.roles) or self.fresh is not None or not self.takes_sessions
        object.__setattr__(self, "asks", asks)

    def check(
        self,
        claims: Mapping[str, Any],
        *,
        scopes: Collection[str],
        roles: Collection[str],
        auth_time: object,
        now: float,
        kind: str = "session",
    ) -> None:
        """Return when a verified token, with the scopes and roles that it holds, is enough.

        Raises:
            RequestRefused: The kind is not taken, a scope or role is missing, the login is too old
                (RFC 9470), or an actor (`act`) calls a route that needs the user's own fresh login.
        """
        required = self.scopes or ()
        self.require_kind(kind)
        if not set(required) <= set(scopes) or not self._has_role(roles):
            scope = {"scope": " ".join(required)} if required else None
            raise RequestRefused(INSUFFICIENT_SCOPE, parameters=scope)
        if self.fresh is not None:
            if "act" in claims:  # a new login of the actor's would not be the user's either
                raise RequestRefused(INSUFFICIENT_SCOPE)
            seconds = self.fresh.total_seconds()
            # Compared this way round, NaN is not fresh and no number is too large to subtract.
            if not isinstance(auth_time, int | float) or not (
                now - seconds <= auth_time <= now + _MAX_SKEW
            ):
                max_age = {"max_age": str(int(seconds))}
                raise RequestRefused(INSUFFICIENT_USER_AUTHENTICATION, parameters=max_age)

    def require_kind(self, kind: str) -> None:
        """Return when credentials of this kind are taken at all.

        Raises:
            RequestRefused: The route takes no keys, or keys only.
        """
        if not (self.takes_keys if kind == "key" else self.takes_sessions):
            raise RequestRefused(INSUFFICIENT_SCOPE)

    def _set_kinds(self) -> None:
        kinds = set(self.kinds or ())
        if not kinds <= {"session", "key"}:
            raise ValueError('each of kinds is "session" or "key"')
        if "key" in kinds and self.fresh is not None:
            raise ValueError("an API key has no login that could be fresh: leave out fresh or key")
        by_default = bool(self.scopes) and self.fresh is None
        object.__setattr__(self, "takes_sessions", not kinds or "session" in kinds)
        object.__setattr__(self, "takes_keys", "key" in kinds if kinds else by_default)

    def _has_role(self, held: Collection[str]) -> bool:
        return not self.roles or not set(self.roles).isdisjoint(held)
