"""Guards that a dependency holds in its code or its attributes, as in `return GUARD`.

Nobody sees a dependency's result: these are found when the application starts.
"""

import dis
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from inspect import getattr_static, unwrap
from types import CodeType, FunctionType, MethodType
from typing import Any

from gatepass.fastapi.scheme import Guarding


def guards_in(call: Any) -> Iterator[Guarding]:
    """The guards that a function, class or object names, without handing them a connection."""
    for form in {id(each): each for each in (call, unwrap(call))}.values():
        for found in _objects_in(form):
            if isinstance(found, Guarding):
                yield found


def _objects_in(call: Any) -> Iterator[Any]:
    if isinstance(call, Guarding):
        return
    if isinstance(call, partial):
        yield from (*call.args, *call.keywords.values())
        yield from _objects_in(call.func)
    elif isinstance(call, type):
        for base in call.__mro__:
            yield from vars(base).values()
        yield from _loaded_by(getattr_static(call, "__init__"), None)
    elif isinstance(call, FunctionType):
        yield from _loaded_by(call, None)
    elif isinstance(call, MethodType):
        yield from _loaded_by(call.__func__, call.__self__)
    else:
        yield from _loaded_by(getattr_static(call, "__call__", None), call)


def _loaded_by(function: object, owner: object) -> Iterator[Any]:
    """The values of a function's global names, closure, their attributes and its owner's."""
    if not isinstance(function, FunctionType) or _asks(function.__code__):
        return
    held = dict(function.__globals__)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # not assigned yet
            held[name] = cell.cell_contents
            yield held[name]
    value: Any = None
    for each in dis.get_instructions(function.__code__):
        if each.opname in {"LOAD_ATTR", "LOAD_METHOD"}:
            yield getattr_static(owner, each.argval, None)
            value = getattr_static(value, each.argval, None)
        else:
            value = held.get(each.argval) if each.opname in {"LOAD_GLOBAL", "LOAD_DEREF"} else None
        yield value


def _asks(code: CodeType) -> bool:
    """Whether the code calls a function with `connection=`, as a call of a guard by hand."""
    return any(isinstance(each, tuple) and "connection" in each for each in code.co_consts)
