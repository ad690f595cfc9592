"""Guards around views."""

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar

from werkzeug.local import LocalProxy

from gatepass.errors import GuardMisused
from gatepass.flask.responses import answerable, settle
from gatepass.flask.routes import is_route_of_ours

P = ParamSpec("P")
R = TypeVar("R")
View = Callable[..., Any]
_NO_ANSWER = "it is a decorator, and answers neither yes nor no"


class Guard:
    """A decorator of views. As a function it would be truthy, and a predicate's yes."""

    def __init__(self, ask: Callable[[], None], note: Callable[[View, View], None]) -> None:
        self._ask = ask
        self._note = note

    def __call__(self, *given: Callable[P, R]) -> Callable[P, R]:
        """The view behind this guard.

        Raises:
            GuardMisused: The guard was called with anything but one function.
        """
        view = _require_view(given)

        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
            if is_route_of_ours():  # a before_request guard; the auth routes ask by themselves
                return None
            self._ask()
            return answerable(settle(view(*args, **kwargs)))

        self._note(view, guarded)
        return guarded

    def __bool__(self) -> NoReturn:
        """Never a value: a predicate such as Flask-Admin's `is_accessible` returned the guard.

        Raises:
            GuardMisused: Always.
        """
        raise GuardMisused(f"a guard wraps one function, and is no condition: {_NO_ANSWER}")


def _require_view(given: tuple[View, ...]) -> View:
    """The function that the guard wraps.

    Raises:
        GuardMisused: The guard got a class, a request, `None`, nothing, or several things.
    """
    if len(given) == 1 and isinstance(given[0], type):
        raise GuardMisused(
            f"a guard wraps functions: class {given[0].__name__} takes it as "
            "decorators = [auth.required()]"
        )
    if len(given) != 1 or isinstance(given[0], LocalProxy) or not callable(given[0]):
        kinds = ", ".join(type(one).__name__ for one in given) or "nothing"
        raise GuardMisused(f"a guard wraps one function, and was called with {kinds}: {_NO_ANSWER}")
    return given[0]
