"""https, CORS and answers to refusals for a whole project; put it first in `MIDDLEWARE`."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from gatepass.django.conf import get_auth
from gatepass.django.requests import DjangoRequest, send
from gatepass.errors import StoreUnavailable
from gatepass.http import RequestRefused

Next = Callable[[HttpRequest], Any]


class GatepassMiddleware:
    """Answers intercepted requests, adds headers to all answers, and turns refusals into JSON."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Next) -> None:
        self._get_response = get_response
        self._is_async = inspect.iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        """Answer, or pass on."""
        request.gatepass = None  # type: ignore[attr-defined]  # nobody was verified yet
        if self._is_async:
            return self._acall(request)
        intercepted = self._intercept(request)
        return self._add_headers(request, intercepted or self._get_response(request))

    async def _acall(self, request: HttpRequest) -> HttpResponse:
        intercepted = self._intercept(request)
        return self._add_headers(request, intercepted or await self._get_response(request))

    def process_exception(self, _: HttpRequest, error: Exception) -> HttpResponse | None:
        """The table's answer to a refusal or a store's failure that gets out of a view."""
        if isinstance(error, (RequestRefused, StoreUnavailable)):
            return send(get_auth().answer_error(error))
        return None

    def _intercept(self, request: HttpRequest) -> HttpResponse | None:
        answer = get_auth().intercept(DjangoRequest(request))
        return None if answer is None else send(answer)

    def _add_headers(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        auth = get_auth()
        policy = auth.policy
        if getattr(request, "gatepass_guarded", False):
            patch_vary_headers(response, auth.vary.split(", "))
        if not policy.is_silent:
            for name, value in policy.headers(DjangoRequest(request)):
                kept = response.headers.get(name) if name == "Vary" else None
                response.headers[name] = value if kept is None else f"{kept}, {value}"
        auth.explain_preflight(DjangoRequest(request), response.headers.get)
        return response
