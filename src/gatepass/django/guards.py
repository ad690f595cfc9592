"""`Guarding`: one object that decorates views of both kinds and is a DRF permission too."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from gatepass.django.csrf import fails_djangos_check
from gatepass.django.requests import DjangoRequest, send
from gatepass.errors import GuardMisused, StoreUnavailable
from gatepass.http import RequestRefused, Requirement
from gatepass.http.problems import (
    CSRF_FAILED,
    INSUFFICIENT_SCOPE,
    INSUFFICIENT_USER_AUTHENTICATION,
    TOKEN_MISSING,
)
from gatepass.tokens import AccessClaims

if TYPE_CHECKING:
    from gatepass.django.auth import Auth

View = Callable[..., Any]
_SAYS_NO = (TOKEN_MISSING, INSUFFICIENT_SCOPE, INSUFFICIENT_USER_AUTHENTICATION)
"""What is a "no" to DRF's `|` and `~`; all other refusals, and outages, are final."""


class Guarding:
    """What `required` and `optional` return."""

    def __init__(self, auth: "Auth", requirement: Requirement, *, optional: bool) -> None:
        self._auth = auth
        self._requirement = requirement
        self._optional = optional
        self._vary = auth.vary.split(", ")

    def __call__(self, view: View | None = None) -> Any:
        """The guarded view; without one, as DRF calls its permissions, this object itself."""
        if view is None:
            return self
        if inspect.isclass(view):
            raise GuardMisused(
                f"a guard wraps functions: class {view.__name__} takes it by "
                '@method_decorator(auth.required(), name="dispatch")'
            )
        guarded = self._guard_async(view) if _is_async(view) else self._guard(view)
        guarded.csrf_exempt = True  # type: ignore[attr-defined]  # as Django marks views
        return guarded

    def has_permission(self, request: Any, view: object) -> bool:
        """Refuse what is not good enough, with the table's answer (DRF).

        Inside of `&`, `|` or `~` what is not enough is a "no", and `exception_handler` finds the
        answer; a bad token is refused all the same, so that `~` lets nobody in with one.
        """
        try:
            self._check_rest(request)
        except RequestRefused as refused:
            listed = getattr(view, "permission_classes", ())
            if refused.problem not in _SAYS_NO or any(one is self for one in listed):
                raise
            request._request.gatepass_refused = refused  # noqa: SLF001 - DRF's own name
            return False
        return True

    def _check_rest(self, request: Any) -> None:
        """Check a request of DRF; claims that `GatepassAuthentication` found are taken over."""
        claims = request.auth
        plain = request._request  # noqa: SLF001 - DRF's own name for Django's request
        verified_by = getattr(plain, "gatepass_verified_by", None)
        if isinstance(claims, AccessClaims) and verified_by is self._auth:
            self._auth.guard.require(claims, self._requirement)
            return
        plain.gatepass = self._auth.check(
            DjangoRequest(plain), self._requirement, optional=self._optional
        )
        plain.gatepass_guarded = True

    def __and__(self, other: Any) -> Any:
        return _operations().__and__(self, other)

    def __or__(self, other: Any) -> Any:
        return _operations().__or__(self, other)

    def __invert__(self) -> Any:
        return _operations().__invert__(self)

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
            return self._mark(view(request, *args, **kwargs))

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
            return self._mark(await view(request, *args, **kwargs))

        return guarded

    def _admit(self, request: HttpRequest, claims: AccessClaims | None, view: View) -> None:
        """Keep the claims; somebody without a token is left to Django's CSRF check."""
        if claims is None and fails_djangos_check(request, view):
            reason = "Django's own check refused a request without a token of ours"
            raise RequestRefused(CSRF_FAILED, reason=reason)
        request.gatepass = claims  # type: ignore[attr-defined]  # where views look for it

    def _mark(self, response: Any) -> Any:
        """Tell caches whose answer it is: Django's own would serve it to everybody."""
        if isinstance(response, HttpResponseBase):
            patch_vary_headers(response, self._vary)
        return response

    def _refuse(self, error: RequestRefused | StoreUnavailable) -> HttpResponse:
        return send(self._auth.answer_error(error))


def _operations() -> Any:
    from rest_framework.permissions import OperationHolderMixin  # noqa: PLC0415 - only with DRF

    return OperationHolderMixin


def _is_async(view: View) -> bool:
    """Whether it is to be awaited; class-based views say so by a mark."""
    marked = getattr(view, "_is_coroutine", None) or getattr(view, "_is_coroutine_mark", None)
    return inspect.iscoroutinefunction(view) or marked is not None
