"""The auth routes as Django's views; they answer JSON, and check CSRF in gatepass's own way."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from gatepass.django.attempts import log_in
from gatepass.django.caches import keep_out_of_caches
from gatepass.django.conf import get_auth
from gatepass.django.requests import DjangoRequest, read_body, send
from gatepass.gate import KEYS, LOGIN, Route, run_in_place
from gatepass.http import Answer


def make_view(route: Route) -> Callable[..., Any]:
    """The view of a route: sync over a sync manager, async over an async one."""

    def begin(request: HttpRequest, session_id: str) -> Coroutine[Any, Any, Answer]:
        auth = get_auth()
        if route is not KEYS and not route.is_file:
            keep_out_of_caches(request)  # Django 5.2.0 does not read `no-store`
        auth.find_mount_point()
        read = partial(read_body, request)
        if route is LOGIN:
            return log_in(auth, request, read)
        return auth.answer(route, DjangoRequest(request), read, session_id)

    def view(request: HttpRequest, session_id: str = "") -> HttpResponse:
        return send(run_in_place(begin(request, session_id)))

    async def async_view(request: HttpRequest, session_id: str = "") -> HttpResponse:
        return send(await begin(request, session_id))

    made: Callable[..., Any] = async_view if get_auth().is_async else view
    return csrf_exempt(login_not_required(made))
