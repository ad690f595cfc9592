"""Whether guards stand where FastAPI calls them: in `Depends(…)`, made by a call.

Elsewhere a guard is a parameter's default, a note on its type or the result of a dependency, and
lets everybody in. `check_at_start` looks through the routes when the application starts, at its
lifespan or its first request.
"""

import inspect
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

from fastapi import FastAPI, params, routing

from gatepass.asgi.messages import AsgiApp
from gatepass.errors import GuardMisused
from gatepass.fastapi.documents import OWN
from gatepass.fastapi.held import guards_in
from gatepass.fastapi.scheme import Guarding
from gatepass.gate import CommonAuth
from gatepass.tokens import AccessClaims

_unfold: Any = getattr(routing, "iter_route_contexts", iter)
"""Included routers stay whole in newer releases, which have this to look into them."""


def check_at_start(app: AsgiApp, application: FastAPI) -> AsgiApp:
    """Middleware that is gone once the application has started.

    Raises:
        GuardMisused: A guard of a route is never called, or guards the login.
    """
    for route in _routes_in(application):
        dependant = getattr(route, "dependant", None)
        calls = list(_calls_of(dependant))
        _require_watching_to_the_end(route, dependant)
        guards = [call for call in calls if isinstance(call, Guarding)]
        asked = {id(guard) for guard in guards}
        if any(not guard.is_optional for guard in guards) and str(
            getattr(route, "name", "")
        ).startswith(OWN):
            raise GuardMisused(
                f"nobody can reach {route.path} without a token: a dependency of the whole "
                "application asks a guard. Give that dependency to the routers that it guards: "
                "APIRouter(dependencies=[…])"
            )
        for call in calls:
            _require_dependencies(route.path, call)
            if any(id(guard) not in asked for guard in guards_in(call)):
                raise GuardMisused(
                    f"{_name(call)} of {route.path} holds a guard that is never asked, so that "
                    "everybody gets in: give it a parameter, "
                    "claims: Annotated[AccessClaims, Depends(guard)]"
                )
    return app


def _require_watching_to_the_end(route: Any, dependant: Any) -> None:
    for each in getattr(dependant, "dependencies", ()):
        if getattr(each.call, "watches", False) and getattr(each, "scope", None) == "function":
            raise GuardMisused(
                f"a guard of {route.path} with watch=True stops watching before the answer is "
                'sent: write Depends(auth.required(watch=True)) without scope="function"'
            )
        _require_watching_to_the_end(route, each)


def _require_dependencies(path: str, call: Any) -> None:
    is_method_of_auth = isinstance(getattr(call, "__self__", None), CommonAuth)
    if is_method_of_auth and call.__name__ in {"required", "optional"}:
        raise GuardMisused(
            f"a guard of {path} was not made: write Depends(auth.{call.__name__}()), with the "
            "parentheses of both"
        )
    for parameter in _parameters_of(call):
        notes = (
            get_args(parameter.annotation) if get_origin(parameter.annotation) is Annotated else ()
        )
        if any(isinstance(found, Guarding) for found in (parameter.default, *notes)):
            raise GuardMisused(
                f"the guard {parameter.name!r} of {path} is never asked, so that everybody gets "
                "in: write Depends(auth.required())"
            )
        kinds = (parameter.annotation, *get_args(parameter.annotation))
        if AccessClaims in kinds and not any(
            isinstance(found, params.Depends) for found in (parameter.default, *notes)
        ):
            raise GuardMisused(
                f"no guard gives {path} the claims of {parameter.name!r}: write "
                f"{parameter.name}: Annotated[AccessClaims, Depends(auth.required())]"
            )


def _name(call: Any) -> str:
    return str(getattr(call, "__qualname__", type(call).__qualname__))


def _routes_in(owner: Any) -> Iterator[Any]:
    """Every route, those of included routers and mounted applications too."""
    for route in _unfold(getattr(owner, "routes", None) or ()):
        yield route
        yield from _routes_in(route)


def _calls_of(dependant: Any) -> Iterator[Any]:
    """The functions that a route calls: its own, its dependencies, and theirs."""
    if dependant is not None:
        yield dependant.call
        for each in dependant.dependencies:
            yield from _calls_of(each)


def _parameters_of(call: Any) -> list[inspect.Parameter]:
    """The parameters, with their types as objects if those can be evaluated."""
    try:
        return list(inspect.signature(call, eval_str=True).parameters.values())
    except (NameError, TypeError, ValueError, SyntaxError, AttributeError):
        pass
    try:
        return list(inspect.signature(call).parameters.values())
    except (TypeError, ValueError):
        return []
