"""Django's own CSRF check, for requests that gatepass has no token of."""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.module_loading import import_string


class _Check(CsrfViewMiddleware):
    """The middleware as a function: it rejects with a reason instead of a page."""

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        del request
        return HttpResponse(reason, status=403)


def fails_djangos_check(request: HttpRequest, view: Callable[..., Any]) -> bool:
    """Whether Django would have rejected this request, had the view not been exempt.

    Views that were exempt before they were guarded stay so, and projects without the
    middleware have no such check.
    """
    if getattr(view, "csrf_exempt", False) or not _is_installed(tuple(settings.MIDDLEWARE)):
        return False
    check = _Check(lambda _: HttpResponse())
    check.process_request(request)
    return check.process_view(request, _nothing, (), {}) is not None


@cache
def _is_installed(middleware: tuple[str, ...]) -> bool:
    loaded = (import_string(name) for name in middleware)
    return any(isinstance(one, type) and issubclass(one, CsrfViewMiddleware) for one in loaded)


def _nothing(_: HttpRequest) -> HttpResponse:
    return HttpResponse()
