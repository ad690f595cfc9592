"""Whether guards stand where they guard.

A route's decorator registers what it is given and returns it. A guard above it wraps the view for
nobody: requests reach the one without the guard. That is found at the first request of each
application, whether or not `init_app` was called.
"""

from collections.abc import Iterator
from typing import Any, Final
from weakref import ReferenceType, WeakKeyDictionary, WeakSet, ref

from flask import Flask, has_request_context, request, request_started, request_tearing_down
from flask.views import MethodView

from gatepass.errors import GuardMisused
from gatepass.flask.guarding import Guard, View
from gatepass.gate import require_call

_guards_of: Final[WeakKeyDictionary[View, list[tuple[ReferenceType[View], "Placement"]]]] = (
    WeakKeyDictionary()
)
"""The guards of each view. Views keep this alive, and no `Auth` does: a factory drops an `Auth` and
its guards together."""
_checked: Final[WeakSet[Flask]] = WeakSet()
_SERVED: Final = "_is_served_by_gatepass"
"""The attribute of requests that Flask handles; those of `test_request_context` have none."""


class Placement:
    """The applications that one `Auth` was installed on, and the guards that it made."""

    def __init__(self) -> None:
        self._apps: WeakSet[Flask] = WeakSet()
        self._is_installed = False

    def install(self, app: Flask) -> None:
        """Remember that `init_app` was called with this application."""
        self._apps.add(app)
        self._is_installed = True

    def holds(self, app: Flask) -> bool:
        """Whether `init_app` was called with this application."""
        return app in self._apps

    def note(self, view: View, guarded: View) -> None:
        """Remember that the second view is the first one with a guard."""
        if _is_serving():  # Flask-RESTful wraps methods anew for every request
            return
        for form in _forms(view):
            try:
                _guards_of.setdefault(form, []).append((ref(guarded), self))
            except TypeError:  # an instance that cannot be hashed or referred to weakly
                continue

    def is_reached(self, guard: View | None, app: Flask) -> bool:
        """Whether requests come to this guard, or may be meant to come to another application.

        One function may be a guarded view of one application and an open view of another, where
        the guard's `Auth` is not installed.
        """
        if app not in self._apps and self._is_installed and not self._apps:
            return True
        apps = {app} if app in self._apps else {app, *self._apps}
        return guard is not None and any(
            form is guard for one in apps for _, view in _registered(one) for form in _forms(view)
        )


def require_setup(name: str, given: tuple[object, ...]) -> None:
    """Return when a method that makes guards is called, and Flask handles no request.

    The stack alone does not tell: a dispatcher may make an application inside a WSGI call. Nor does
    Flask's context, which tests push without a request and keep after the response.

    Raises:
        GuardMisused: The method got an argument, or Flask handles a request.
    """
    if given or _is_serving():
        require_call(name, given, is_serving=True)


@request_started.connect
def require_guarded(app: Flask, **_: object) -> None:
    """Return when no view is registered beside a guard that was put above its route.

    A function that is registered in both forms is meant to be. Blueprints may come later than
    `init_app`, but nothing comes after the first request.

    Raises:
        GuardMisused: A view is registered without the guard that wraps it, or is a class that
            names its guards as a resource of Flask-RESTful does.
    """
    setattr(request, _SERVED, True)
    if app in _checked:
        return
    for name, view in _registered(app):
        _require_decorators(name, getattr(view, "view_class", None))
    registered = {id(function): name for name, function in _registered(app)}
    for view, guards in list(_guards_of.items()):
        if id(view) in registered and not any(
            placement.is_reached(guard(), app) for guard, placement in guards
        ):
            raise GuardMisused(
                f"{registered[id(view)]} is registered without its guard, so that everybody "
                "gets in: put @auth.required() below the decorator that registers it"
            )
    _checked.add(app)


def _require_decorators(name: str, view_class: Any) -> None:
    if getattr(view_class, "dispatch_request", None) is MethodView.dispatch_request and any(
        isinstance(each, Guard) for each in getattr(view_class, "method_decorators", ())
    ):
        raise GuardMisused(
            f"{name} has its guard in method_decorators, which a MethodView does not look at, so "
            "that everybody gets in: write decorators = [auth.required()]"
        )


@request_tearing_down.connect
def _finish(_app: Flask, **_: object) -> None:
    setattr(request, _SERVED, False)


def _is_serving() -> bool:
    return has_request_context() and getattr(request, _SERVED, False)


def _registered(app: Flask) -> Iterator[tuple[str, View]]:
    """Every function that Flask calls for a request and that may reject it, with its kind."""
    for endpoint, view in app.view_functions.items():
        yield f"the view {endpoint!r}", view
    for functions in app.before_request_funcs.values():
        for function in functions:
            yield f"before_request {getattr(function, '__qualname__', '')!r}", function


def _forms(view: View) -> Iterator[View]:
    """The function, and the functions that its decorators wrapped."""
    seen: set[int] = set()
    form: View | None = view
    while form is not None and id(form) not in seen:
        seen.add(id(form))
        yield form
        form = getattr(form, "__wrapped__", None)
