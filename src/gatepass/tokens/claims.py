"""The claims of a verified token: an immutable mapping with the registered names as attributes."""

from abc import ABCMeta
from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Any, Final, Literal, TypeVar

import msgspec
from msgspec import Struct, StructMeta

from gatepass.errors import ClaimsRejected

T = TypeVar("T")

_JSON_CONTAINERS = (dict, list)


class _MappingStruct(StructMeta, ABCMeta):
    """The kind of a class that is a mapping and is made as fast as a `Struct`."""


class AccessClaims(
    Struct, Mapping[str, Any], metaclass=_MappingStruct, frozen=True, eq=False, gc=False
):
    """The claims of a verified token; made by verifiers only.

    A mapping of claim names to JSON values. Values that are lists or objects are handed out as
    copies, so that nobody who shares the claims can change them for the others. Times are
    seconds since 1970, as in the token (RFC 7519 §2, NumericDate).
    """

    _claims: dict[str, Any]
    _key: Any = ...
    """The key that verified them; verifiers share both between requests. It has no JSON form, so
    that these claims in a claim are rejected and not written as what they are made of."""
    __eq__ = Mapping.__eq__
    __hash__ = None  # type: ignore[assignment]  # as every mapping

    def __getitem__(self, name: str) -> Any:
        value = self._claims[name]
        return _copy(value) if value.__class__ in _JSON_CONTAINERS else value

    def __contains__(self, name: object) -> bool:
        return name in self._claims

    def __iter__(self) -> Iterator[str]:
        return iter(self._claims)

    def __len__(self) -> int:
        return len(self._claims)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} sub={self.subject!r} jti={self.token_id!r}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("sub", self.subject), ("jti", self.token_id)]

    def __reduce__(self) -> tuple[type["AccessClaims"], tuple[Any, ...]]:
        return type(self), (self._claims,)

    @property
    def kind(self) -> Literal["session", "key"]:
        """The kind of credential that was verified; no claim can change it."""
        return "session"

    @property
    def subject(self) -> str:
        """The subject of the token (`sub`)."""
        subject: str = self._claims["sub"]
        return subject

    @property
    def token_id(self) -> str | None:
        """The token's own id (`jti`); `None` only in tokens of other makers."""
        return self._claims.get("jti")

    @property
    def session_id(self) -> str | None:
        """The session that the token came from (`sid`); `None` for tokens without a session."""
        return self._claims.get("sid")

    @property
    def issued_at(self) -> float | None:
        """When the token was issued (`iat`), where it says so."""
        return self._claims.get("iat")

    @property
    def expires_at(self) -> float:
        """When the token expires (`exp`)."""
        expires_at: float = self._claims["exp"]
        return expires_at

    @property
    def auth_time(self) -> float | None:
        """When the password was checked; a refresh does not move it. `None` without a session."""
        return self._claims.get("auth_time")

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes in `scope`, one text with blanks between them (RFC 8693 §4.2) or a list."""
        return texts_in(self._claims.get("scope"), split=True)

    @property
    def roles(self) -> frozenset[str]:
        """The roles in `role`, one role as a text or a list of roles."""
        return texts_in(self._claims.get("role"))

    def to(self, kind: type[T]) -> T:
        """The claims as a `msgspec.Struct`, pydantic model, dataclass or other type of your own.

        The values are copies here too: a field of type `object` or `dict` is yours to change.

        Raises:
            ClaimsRejected: The claims do not fit the type.
        """
        of_pydantic = getattr(kind, "__pydantic_validator__", None)
        try:
            if of_pydantic is None:
                return msgspec.convert(_copy(self._claims), kind)
            made: T = of_pydantic.validate_python(_copy(self._claims))
        except (ValueError, RecursionError):  # msgspec's and pydantic's errors hold values
            message = f"the claims do not fit {getattr(kind, '__name__', kind)}"
            raise ClaimsRejected(message) from None
        return made

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: object) -> Any:
        """FastAPI may answer with claims, as a JSON object; no request makes any."""
        shown = {"type": "function-plain", "function": dict, "return_schema": {"type": "dict"}}
        return {"type": "is-instance", "cls": cls, "serialization": shown}


class KeyClaims(AccessClaims, frozen=True, eq=False, gc=False):
    """The claims of a verified API key; `verify_key` makes them."""

    @property
    def kind(self) -> Literal["session", "key"]:
        """See `AccessClaims.kind`."""
        return "key"


def texts_in(value: object, *, split: bool = False) -> frozenset[str]:
    """The texts in a claim that is one text, split at blanks if you say so, or a list."""
    if isinstance(value, str):
        return frozenset(value.split() if split else [value])
    listed = value if isinstance(value, list) else ()
    return frozenset(each for each in listed if isinstance(each, str))


VOUCHED: Final = None
"""Instead of a key: a store vouches for the claims of an opaque token, or a legacy key does."""
dict_of = attrgetter("_claims")
"""The claims without copies, for those that change nothing."""
key_of = attrgetter("_key")
"""The key that verified the claims, or `VOUCHED`; `...` if no verifier made them."""


def _copy(value: Any) -> Any:
    """A deep copy of a JSON container, without recursion: a token may be nested deeply."""
    root = value.copy()
    pending = [root]
    while pending:
        holder = pending.pop()
        for at, inner in list(holder.items() if holder.__class__ is dict else enumerate(holder)):
            if inner.__class__ in _JSON_CONTAINERS:
                holder[at] = inner.copy()
                pending.append(holder[at])
    return root
