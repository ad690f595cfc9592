"""Whether guards stand where they guard.

A route's decorator registers what it is given and returns it. A guard above it wraps the view for
nobody: requests reach the one without the guard. That is found before the first request.
"""

from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from flask import Flask

from gatepass.errors import GuardMisused

View = Callable[..., Any]


class Placement:
    """What the guards of one `Auth` wrapped, for as long as that exists."""

    def __init__(self) -> None:
        self._guards_of: WeakKeyDictionary[View, WeakSet[View]] = WeakKeyDictionary()

    def note(self, view: View, guarded: View) -> None:
        """Remember that the second is the first with a guard."""
        for form in _forms(view):
            self._guards_of.setdefault(form, WeakSet()).add(guarded)

    def require_guarded(self, app: Flask) -> None:
        """Return when no view is registered beside a guard that was put above its route.

        A function that is registered in both forms is meant to be.

        Raises:
            GuardMisused: A view is registered without the guard that wraps it.
        """
        registered = {id(function): name for name, function in _registered(app)}
        reached = {id(form) for _, function in _registered(app) for form in _forms(function)}
        for view, guards in list(self._guards_of.items()):
            if id(view) in registered and not any(id(guard) in reached for guard in guards):
                raise GuardMisused(
                    f"{registered[id(view)]} is registered without its guard, so that everybody "
                    "gets in: put @auth.required() below the decorator that registers it"
                )


def _registered(app: Flask) -> Iterator[tuple[str, View]]:
    """Everything that Flask calls for a request and that may refuse it, with what it is."""
    for endpoint, view in app.view_functions.items():
        yield f"the view {endpoint!r}", view
    for functions in app.before_request_funcs.values():
        for function in functions:
            yield f"before_request {getattr(function, '__qualname__', '')!r}", function


def _forms(view: View) -> Iterator[View]:
    """The function, and what decorators wrapped to make it."""
    seen: set[int] = set()
    form: View | None = view
    while form is not None and id(form) not in seen:
        seen.add(id(form))
        yield form
        form = getattr(form, "__wrapped__", None)
