"""Guards that a dependency holds in its code or its attributes, as in `return GUARD`.

Nobody sees a dependency's result: these are found when the application starts.
"""

import dis
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from inspect import getattr_static
from types import CodeType, FunctionType, MethodType
from typing import Any

from gatepass.fastapi.scheme import Guarding


def guards_in(call: Any) -> Iterator[Guarding]:
    """The guards that a function, class or object names, without handing them a connection."""
    for found in _objects_in(call):
        if isinstance(found, Guarding):
            yield found


def _objects_in(call: Any) -> Iterator[Any]:
    if isinstance(call, Guarding):
        return
    if isinstance(call, partial):
        yield from (*call.args, *call.keywords.values())
        yield from _objects_in(call.func)
    elif isinstance(call, type):
        yield from vars(call).values()
    elif isinstance(call, FunctionType):
        yield from _loaded_by(call, None)
    elif isinstance(call, MethodType):
        yield from _loaded_by(call.__func__, call.__self__)
    else:
        yield from _loaded_by(getattr_static(call, "__call__", None), call)


def _loaded_by(function: object, owner: object) -> Iterator[Any]:
    """The values of a function's global names, closure and attributes of its owner."""
    if not isinstance(function, FunctionType) or _asks(function.__code__):
        return
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # not assigned yet
            yield cell.cell_contents
    for each in dis.get_instructions(function.__code__):
        if each.opname == "LOAD_GLOBAL":
            yield function.__globals__.get(each.argval)
        elif each.opname in {"LOAD_ATTR", "LOAD_METHOD"}:
            yield getattr_static(owner, each.argval, None)


def _asks(code: CodeType) -> bool:
    """Whether the code calls something with `connection=`, as a guard is asked by hand."""
    return any(isinstance(each, tuple) and "connection" in each for each in code.co_consts)
