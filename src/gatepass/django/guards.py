"""`Guarding`: one object that decorates views of both kinds and is a DRF permission too."""

import inspect
from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any, Final

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from gatepass.django.caches import keep_out_of_caches, let_into_caches
from gatepass.django.common_auth import AnyDjangoAuth
from gatepass.django.csrf import fails_djangos_check
from gatepass.django.permissions import Permission
from gatepass.django.requests import DjangoRequest, send
from gatepass.errors import GuardMisused, StoreUnavailable
from gatepass.gate import settle
from gatepass.http import Answer, RequestRefused, Requirement
from gatepass.http.problems import CSRF_FAILED
from gatepass.tokens import AccessClaims

View = Callable[..., Any]
_NO_VIEW: Final = (
    "a guard takes a view and was called with {}, so that it would guard nothing: decorate each "
    "view, below include() too; user_passes_test, test_func and class attributes take no guard; "
    'classes take @method_decorator(auth.required(), name="dispatch"), and django-ninja takes '
    "auth=auth.ninja()"
)


class Guarding(Permission):
    """The result of `required` and `optional`."""

    def __init__(self, auth: AnyDjangoAuth, requirement: Requirement, *, optional: bool) -> None:
        super().__init__(auth, requirement, optional=optional)
        self._vary = auth.vary.split(", ")

    def __call__(self, *given: Any) -> Any:
        """The guarded view; without one, as DRF makes permissions, the permission.

        Raises:
            GuardMisused: Anything else than one function was given, or an operation that
                django-ninja has registered before.
        """
        if not given:
            return Permission(self._auth, self._requirement, optional=self._optional, of=self)
        view = given[0]
        if inspect.isclass(view):
            raise GuardMisused(
                f"a guard wraps functions: class {view.__name__} takes it by "
                '@method_decorator(auth.required(), name="dispatch")'
            )
        if len(given) > 1 or not callable(view) or isinstance(view, Permission):
            raise GuardMisused(_NO_VIEW.format(" and ".join(type(one).__name__ for one in given)))
        if hasattr(view, "_ninja_operation"):
            raise GuardMisused(
                "django-ninja calls an operation without the guard above it: put @auth.required() "
                "below @api.get(…)"
            )
        guarded = self._guard_async(view) if iscoroutinefunction(view) else self._guard(view)
        guarded.csrf_exempt = True  # type: ignore[attr-defined]  # as Django marks views
        if not self._optional:  # else LoginRequiredMiddleware is all that a view relies on
            guarded.login_required = False  # type: ignore[attr-defined]
        return guarded

    def _guard(self, view: View) -> View:
        enter = self._enter_async if _is_awaited(view) else self._enter

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return enter(view, request, *args, **kwargs)

        return _dress(guarded, view)

    def _guard_async(self, view: View) -> View:
        enter = self._enter_async

        async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return await enter(view, request, *args, **kwargs)

        return _dress(guarded, view)

    def _enter(self, view: View, request: HttpRequest, /, *args: Any, **kwargs: Any) -> Any:
        asked = DjangoRequest(request)
        preflight = self._auth.answer_preflight(asked)
        if preflight is not None:
            return self._send(preflight)
        try:
            claims = self._auth.check(asked, self._requirement, optional=self._optional)
            self._admit(request, claims, view)
        except (RequestRefused, StoreUnavailable) as error:
            return self._send(self._auth.answer_error(error))
        kind = keep_out_of_caches(request)
        response = view(request, *args, **kwargs)
        if inspect.isawaitable(response):
            return self._conclude(request, kind, response)
        return let_into_caches(request, kind, response, self._vary)

    async def _enter_async(
        self, view: View, request: HttpRequest, /, *args: Any, **kwargs: Any
    ) -> Any:
        asked = DjangoRequest(request)
        preflight = self._auth.answer_preflight(asked)
        if preflight is not None:
            return self._send(preflight)
        try:
            claims = await self._auth.acheck(asked, self._requirement, optional=self._optional)
            self._admit(request, claims, view)
        except (RequestRefused, StoreUnavailable) as error:
            return self._send(self._auth.answer_error(error))
        kind = keep_out_of_caches(request)
        return await self._conclude(request, kind, view(request, *args, **kwargs))

    async def _conclude(self, request: HttpRequest, kind: type, response: Any) -> Any:
        return let_into_caches(request, kind, await settle(response), self._vary)

    def _admit(self, request: HttpRequest, claims: AccessClaims | None, view: View) -> None:
        """Keep the claims; a request without a token goes through Django's CSRF check."""
        if claims is None and fails_djangos_check(request, view):
            reason = "Django's own check refused a request without a token of ours"
            raise RequestRefused(CSRF_FAILED, reason=reason)
        request.gatepass = claims  # type: ignore[attr-defined]  # where views look for it

    def _send(self, answer: Answer) -> HttpResponse:
        response = send(answer)
        patch_vary_headers(response, self._vary)
        return response


def _dress(guarded: Any, view: View) -> View:
    """The wrapper with the view's name, and with the globals that its annotations are read by.

    django-ninja looks annotations that are strings up in `__globals__` of the function it gets.
    """
    names = getattr(inspect.unwrap(view), "__globals__", guarded.__globals__)
    made = FunctionType(guarded.__code__, names, guarded.__name__, None, guarded.__closure__)
    dressed: View = wraps(view)(made)
    return dressed


def _is_awaited(view: View) -> bool:
    """Whether the caller awaits what this view returns, though it is no coroutine function.

    `dispatch` of a class with async handlers is such a view: it returns what `get` returned.
    """
    method: Any = inspect.unwrap(view, stop=lambda one: _instance(one) is not None)
    return bool(getattr(_instance(method), "view_is_async", False))


def _instance(view: Any) -> object:
    """The object whose method `method_decorator` hands to a decorator, as a partial."""
    return getattr(getattr(view, "func", None), "__self__", None)
