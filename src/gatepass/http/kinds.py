"""Kinds of the values of a policy, checked when the policy is made and not at its first request."""

from collections.abc import Iterable

from gatepass.errors import SettingsRejected


def texts(name: str, values: object, *, cure: str = "str(…)") -> tuple[str, ...]:
    """A collection of texts as a tuple.

    Raises:
        SettingsRejected: The value is one text, no collection, or holds another kind of value.
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise SettingsRejected(f"{name} is a collection, not {_kind(values)}: write {name}=[…]")
    found = tuple(values)
    for value in found:
        if not isinstance(value, str):
            raise SettingsRejected(f"{name} holds texts, not {_kind(value)}: write {cure}")
    return found


def keys(name: str, values: object, least: int) -> tuple[bytes, ...]:
    """A collection of keys as a tuple.

    Raises:
        SettingsRejected: The value is one key or no collection, or a key is no bytes or too short.
    """
    if isinstance(values, str | bytes | bytearray) or not isinstance(values, Iterable):
        raise SettingsRejected(f"{name} is a collection, not {_kind(values)}: write {name}=[key]")
    found = tuple(values)
    for value in found:
        if not isinstance(value, bytes):
            raise SettingsRejected(
                f"{name} holds bytes, not {_kind(value)}: write "
                "SharedKey.from_secret(secret).derive(CSRF_PURPOSE)"
            )
        if len(value) < least:
            raise SettingsRejected(f"{name} holds a key of less than {least} bytes")
    return found


def require(name: str, value: object, kind: type, *, optional: bool = False) -> None:
    """Return when a value is of this kind, or `None` where it is optional.

    Raises:
        SettingsRejected: The value is of another kind.
    """
    if not (isinstance(value, kind) or (optional and value is None)):
        raise SettingsRejected(f"{name} is of the kind {kind.__name__}, not {_kind(value)}")


def _kind(value: object) -> str:
    return "one text" if isinstance(value, str) else type(value).__name__
