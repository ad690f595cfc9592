"""Calls with the wrong arguments, told in the name of the class that was called (pure)."""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from typing import Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def names_its_class(init: Callable[Concatenate[T, P], None]) -> Callable[Concatenate[T, P], None]:
    """An `__init__` that twins share: Python would name the class that both come from.

    Raises:
        TypeError: The arguments do not fit; the sentence shows the call that does.
    """
    expected = signature(init)

    @wraps(init)
    def checked(self: T, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            expected.bind(self, *args, **kwargs)
        except TypeError as error:
            wrong = str(error)
        else:
            init(self, *args, **kwargs)
            return
        name = type(self).__name__
        needed = [
            each.name if each.kind is Parameter.POSITIONAL_OR_KEYWORD else f"{each.name}=…"
            for each in [*expected.parameters.values()][1:]
            if each.default is Parameter.empty
        ]
        message = f"{name}: {wrong}; write {name}({', '.join(needed)})"
        raise TypeError(message)

    return checked
