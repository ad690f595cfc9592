"""The rules that tokens are issued and verified by; checked once, when they are written down."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeGuard

from gatepass.errors import ClaimsRejected, SettingsRejected
from gatepass.sessions.texts import is_encodable
from gatepass.tokens.durations import find_duration

MAX_LEEWAY = 60
MAX_SESSIONS = 1000
MAX_CLAIMS_SIZE = 2048
MAX_TEXT = 255
ACCESS_FORMATS = ("jwt", "opaque")
MAX_LIFETIME = 10 * 366 * 86400

SESSION_CLAIMS = frozenset({"client_id", "sid", "auth_time", "gen", "sec"})
TOKEN_CLAIMS = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid"})
REGISTERED_CLAIMS = SESSION_CLAIMS | TOKEN_CLAIMS
"""Names that gatepass sets itself; a caller's own claims cannot have them."""

Seconds = timedelta | float | str
"""A duration: a timedelta, whole seconds, or a text as in `15m`, `7d` or `1h30m`."""

_DURATIONS = (
    "access_lifetime",
    "refresh_lifetime",
    "session_lifetime",
    "leeway",
    "rotation_leeway",
)


class AllowedValues(Mapping[str, tuple[Any, ...]]):
    """Allowed values by claim: an immutable mapping that can be hashed, copied and pickled."""

    __slots__ = ("_values",)

    def __init__(self, values: dict[str, tuple[Any, ...]]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> tuple[Any, ...]:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values))  # names only: a value may have no hash

    def __repr__(self) -> str:
        return repr(self._values)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPolicy:
    """The issuer, audience, lifetimes and required claims of tokens.

    Lifetimes and leeways are timedeltas, whole seconds, or texts as in `15m`, `7d` or `1h30m`.

    Raises:
        SettingsRejected: A value is out of bounds; the message names it.
    """

    issuer: str
    """`iss` of every token, compared exactly."""
    audience: str
    """`aud` of every token."""
    client_id: str = "app"
    access_lifetime: Seconds = timedelta(minutes=15)
    refresh_lifetime: Seconds = timedelta(days=7)
    """How long a session lives without being used; slides with every refresh."""
    session_lifetime: Seconds = timedelta(days=30)
    """How long a session lives at most; a lower one holds for old sessions when they rotate."""
    leeway: Seconds = 0
    """Clock difference granted to `exp` and `nbf`, 0 to 60 s (RFC 7519 §4.1.4)."""
    rotation_leeway: Seconds = timedelta(seconds=30)
    """How long a superseded refresh token is answered again, 0 (off) to 60 s."""
    required_claims: Collection[str] = ()
    allowed_values: Mapping[str, Collection[Any]] = field(default_factory=dict)
    """For some claims all values that are accepted; applies where the claim is present."""
    max_sessions: int = 50
    """Live sessions of one subject, 1 to 1,000; a further login ends the oldest."""
    access_format: str = "jwt"
    """The form of new access tokens: `jwt`, or `opaque`, which each check looks up in the store."""
    jwt_until: datetime | None = None
    """With `opaque` only: JWTs are accepted beside opaque tokens before this time."""

    def __post_init__(self) -> None:
        for name in ("issuer", "audience", "client_id"):
            require_name(name, getattr(self, name))
        access = whole_seconds("access_lifetime", self.access_lifetime, 1, MAX_LIFETIME)
        whole_seconds("refresh_lifetime", self.refresh_lifetime, access, MAX_LIFETIME)
        whole_seconds("session_lifetime", self.session_lifetime, access, MAX_LIFETIME)
        whole_seconds("leeway", self.leeway, 0, MAX_LEEWAY)
        whole_seconds("rotation_leeway", self.rotation_leeway, 0, MAX_LEEWAY)
        if not _is_whole(self.max_sessions) or not 1 <= self.max_sessions <= MAX_SESSIONS:
            message = f"max_sessions is a number from 1 to {MAX_SESSIONS}"
            raise SettingsRejected(message)
        _require_format(self.access_format, self.jwt_until)
        freeze = object.__setattr__
        for name in _DURATIONS:  # one value has one form: equal policies are equal
            value = getattr(self, name)
            if isinstance(value, str):
                freeze(self, name, find_duration(value))
        freeze(self, "required_claims", require_claim_names(self.required_claims))
        freeze(self, "allowed_values", freeze_allowed_values(self.allowed_values))


def whole_seconds(name: str, value: object, least: int, most: int) -> int:
    """A duration as whole seconds between two bounds; see `Seconds`."""
    if isinstance(value, str):
        value = find_duration(value)
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, float) and seconds.is_integer():
        seconds = int(seconds)
    if not _is_whole(seconds) or not least <= seconds <= most:
        message = (
            f"{name} is a timedelta, a text as in 15m, or whole seconds from {least} to {most}"
        )
        raise SettingsRejected(message)
    return seconds


def require_name(name: str, value: object) -> None:
    """Reject a value that is no issuer, audience or client id."""
    if not isinstance(value, str) or not is_plain_text(value):
        message = f"{name} is a text of 1 to {MAX_TEXT} characters"
        raise SettingsRejected(message)


def require_names(name: str, values: object) -> frozenset[str]:
    """One name or several; no name at all would let no token pass."""
    names = [values] if isinstance(values, str) else values
    if not isinstance(names, (list, tuple, set, frozenset)) or not names:
        message = f"{name} is a text, or a collection of texts"
        raise SettingsRejected(message)
    for each in names:
        require_name(name, each)
    return frozenset(names)


def is_plain_text(value: str) -> bool:
    """Whether every store and every token can hold this text: 1 to 255 characters, no NUL."""
    return 0 < len(value) <= MAX_TEXT and "\0" not in value and is_encodable(value)


def require_claim_names(names: object) -> tuple[str, ...]:
    """Names of claims as a tuple; a lone string is rejected, its letters would be names."""
    if isinstance(names, (list, tuple, set, frozenset)) and all(
        isinstance(name, str) and name for name in names
    ):
        return tuple(names)
    message = "required_claims is a collection of claim names"
    raise SettingsRejected(message)


def freeze_allowed_values(allowed: object) -> Mapping[str, tuple[Any, ...]]:
    """Allowed values by claim as an immutable mapping."""
    if isinstance(allowed, Mapping) and all(
        isinstance(name, str) and isinstance(values, (list, tuple, set, frozenset))
        for name, values in allowed.items()
    ):
        return AllowedValues({name: tuple(values) for name, values in allowed.items()})
    message = "allowed_values maps claim names to collections of values"
    raise SettingsRejected(message)


def is_allowed(value: object, allowed: Collection[Any]) -> bool:
    """Whether a claim's value, or each of a list's, is one of these; True is not 1.

    A list without values has none that is allowed.
    """
    values = value if isinstance(value, list) else (value,)
    return bool(values) and all(
        any(one == each and isinstance(one, bool) is isinstance(each, bool) for each in allowed)
        for one in values
    )


def require_claims(policy: TokenPolicy, claims: Mapping[str, Any]) -> None:
    """Reject claims that tokens of this policy could not be verified with."""
    for name in policy.required_claims:
        if name not in claims and name not in REGISTERED_CLAIMS:
            message = f"the required claim {name} is missing"
            raise ClaimsRejected(message)
    for name, allowed in policy.allowed_values.items():
        if name in claims and not is_allowed(claims[name], allowed):
            message = f"the claim {name} has a value that is not allowed"
            raise ClaimsRejected(message)


def require_own_claims(claims: Mapping[str, Any], registered: frozenset[str]) -> None:
    """Reject a value that is no mapping of names, and names that gatepass sets itself."""
    if claims.__class__ is not dict and not isinstance(claims, Mapping):
        message = "claims map names to JSON values"
        raise ClaimsRejected(message)
    for name in claims:
        if not isinstance(name, str):
            message = "names of claims are text"
            raise ClaimsRejected(message)
        if name in registered:
            message = f"claims cannot set {name}"
            raise ClaimsRejected(message)


def require_text(name: str, value: object) -> str:
    """An id or reason that every store can hold, as a plain `str`.

    Raises:
        ClaimsRejected: The value is no text, or a text that no token or no store can hold.
    """
    if isinstance(value, str) and is_plain_text(value):
        return str.__str__(value)  # not of a subclass, as Django's SafeString or an enum
    message = f"{name} is a text of 1 to {MAX_TEXT} characters"
    if not isinstance(value, str):
        message += f", and not {type(value).__name__}"
        if value is not None:
            message += f": write str({'user.id' if 'subject' in name else '…'})"
    raise ClaimsRejected(message)


def require_subject(subject: object) -> str:
    """A text that can be a `sub`; see `require_text`."""
    return require_text("a subject", subject)


def _require_format(access_format: object, jwt_until: object) -> None:
    if access_format not in ACCESS_FORMATS:
        allowed = " or ".join(ACCESS_FORMATS)
        raise SettingsRejected(f"access_format is {allowed}, and not {access_format!r:.40}")
    if jwt_until is None:
        return
    if not isinstance(jwt_until, datetime) or jwt_until.utcoffset() is None:
        raise SettingsRejected("jwt_until is a datetime with an offset, as of datetime.now(UTC)")
    if access_format != "opaque":
        raise SettingsRejected("jwt_until has a meaning with the access format opaque only")


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
