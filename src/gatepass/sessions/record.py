"""The base of the values that a rotation makes. Pure."""

from typing import Any, ClassVar

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A value of named fields, ten times as fast to make as a frozen dataclass.

    A rotation makes four of them. `repr` leaves out the fields named in `_private`.
    """

    _private: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({shown})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(n, getattr(self, n)) for n in self.__struct_fields__ if n not in self._private]
