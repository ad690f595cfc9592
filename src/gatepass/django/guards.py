"""`Guarding`: one object that decorates views of both kinds and is a DRF permission too."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse

from gatepass.django.csrf import fails_djangos_check
from gatepass.django.requests import DjangoRequest, send
from gatepass.errors import StoreUnavailable
from gatepass.http import RequestRefused, Requirement
from gatepass.http.problems import CSRF_FAILED
from gatepass.tokens import AccessClaims

if TYPE_CHECKING:
    from gatepass.django.auth import Auth

View = Callable[..., Any]


class Guarding:
    """What `required` and `optional` return."""

    def __init__(self, auth: "Auth", requirement: Requirement, *, optional: bool) -> None:
        self._auth = auth
        self._requirement = requirement
        self._optional = optional

    def __call__(self, view: View | None = None) -> Any:
        """The guarded view; without one, as DRF calls its permissions, this object itself."""
        if view is None:
            return self
        guarded = self._guard_async(view) if _is_async(view) else self._guard(view)
        guarded.csrf_exempt = True  # type: ignore[attr-defined]  # as Django marks views
        return guarded

    def has_permission(self, request: Any, view: object) -> bool:
        """Refuse what is not good enough, with the table's answer (DRF).

        Claims that `GatepassAuthentication` found are not verified again.
        """
        del view
        if isinstance(request.auth, AccessClaims):
            self._auth.guard.require(request.auth, self._requirement)
            return True
        plain = request._request  # noqa: SLF001 - DRF's own name for Django's request
        plain.gatepass = self._auth.check(
            DjangoRequest(plain), self._requirement, optional=self._optional
        )
        return True

    def has_object_permission(self, request: Any, view: object, subject: object) -> bool:
        """Nothing is asked of single objects (DRF)."""
        del request, view, subject
        return True

    def _guard(self, view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                claims = self._auth.check(
                    DjangoRequest(request), self._requirement, optional=self._optional
                )
                self._admit(request, claims, view)
            except (RequestRefused, StoreUnavailable) as error:
                return self._refuse(error)
            return view(request, *args, **kwargs)

        return guarded

    def _guard_async(self, view: View) -> View:
        @wraps(view)
        async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                claims = await self._auth.acheck(
                    DjangoRequest(request), self._requirement, optional=self._optional
                )
                self._admit(request, claims, view)
            except (RequestRefused, StoreUnavailable) as error:
                return self._refuse(error)
            return await view(request, *args, **kwargs)

        return guarded

    def _admit(self, request: HttpRequest, claims: AccessClaims | None, view: View) -> None:
        """Keep the claims; somebody without a token is left to Django's CSRF check."""
        if claims is None and fails_djangos_check(request, view):
            raise RequestRefused(CSRF_FAILED)
        request.gatepass = claims  # type: ignore[attr-defined]  # where views look for it

    def _refuse(self, error: RequestRefused | StoreUnavailable) -> HttpResponse:
        return send(self._auth.answer_error(error))


def _is_async(view: View) -> bool:
    """Whether it is to be awaited; class-based views say so by a mark."""
    marked = getattr(view, "_is_coroutine", None) or getattr(view, "_is_coroutine_mark", None)
    return inspect.iscoroutinefunction(view) or marked is not None
