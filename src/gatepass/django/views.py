"""The auth routes as Django's views; they answer JSON, and check CSRF in gatepass's own way."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from gatepass.django.caches import keep_out_of_caches
from gatepass.django.conf import get_auth
from gatepass.django.requests import DjangoRequest, read_body, send
from gatepass.gate import KEYS, Route
from gatepass.http import RequestRefused


def make_view(route: Route) -> Callable[..., Any]:
    """The view of a route: sync over a sync manager, async over an async one."""
    return _make_async(route) if get_auth().is_async else _make_sync(route)


def _make_sync(route: Route) -> Callable[..., HttpResponse]:
    @csrf_exempt
    @login_not_required
    def view(request: HttpRequest, session_id: str = "") -> HttpResponse:
        auth = get_auth()
        if route is not KEYS:
            keep_out_of_caches(request)  # Django 5.2.0 does not read `no-store`
        answer = route.require_method(request.method or "")
        if answer is None:
            try:
                body = read_body(request) if route.takes_body else b""
                auth.find_mount_point()
                answer = auth.answer_in_place(route, DjangoRequest(request), body, session_id)
            except RequestRefused as refused:
                answer = auth.answer_error(refused)
        return send(answer)

    return view


def _make_async(route: Route) -> Callable[..., Any]:
    @csrf_exempt
    @login_not_required
    async def view(request: HttpRequest, session_id: str = "") -> HttpResponse:
        auth = get_auth()
        if route is not KEYS:
            keep_out_of_caches(request)  # Django 5.2.0 does not read `no-store`
        answer = route.require_method(request.method or "")
        if answer is None:
            try:
                body = read_body(request) if route.takes_body else b""
                auth.find_mount_point()
                answer = await auth.answer(route, DjangoRequest(request), body, session_id)
            except RequestRefused as refused:
                answer = auth.answer_error(refused)
        return send(answer)

    return view
