"""The checks of a project's sign-in, for `manage.py check`."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

from django.conf import settings
from django.core import checks
from django.urls import get_resolver

from gatepass.django.conf import AuthUnusable, get_auth
from gatepass.django.guards import Guarding
from gatepass.django.users import DjangoUsers, find_claims
from gatepass.errors import SettingsRejected
from gatepass.http import HttpPolicy
from gatepass.http.transport import OPEN_HTTP, find_risks

_MIDDLEWARE: Final = "gatepass.django.middleware.GatepassMiddleware"
_MAY_COME_FIRST: Final = frozenset(
    {
        "corsheaders.middleware.CorsMiddleware",
        "django.middleware.cache.UpdateCacheMiddleware",
        "django.middleware.gzip.GZipMiddleware",
        "django.middleware.security.SecurityMiddleware",
        "whitenoise.middleware.WhiteNoiseMiddleware",
    }
)
"""Middleware that may come first: it answers no request that our rules are about."""


def check_settings(**_: Any) -> list[checks.CheckMessage]:
    """Everything that would fail, or be unsafe, at the first request."""
    try:
        policy = get_auth().policy
    except AuthUnusable as error:
        return [error.found]
    found = (_check_middleware(policy), _check_transport(policy), _check_claims(), _check_views())
    return [message for messages in found for message in messages]


def _check_middleware(policy: HttpPolicy) -> Iterator[checks.CheckMessage]:
    if policy.is_silent:
        return
    hint = f"Put {_MIDDLEWARE!r} first in MIDDLEWARE."
    if _MIDDLEWARE not in settings.MIDDLEWARE:
        message = "the policy has https or CORS rules, and nothing applies them"
        yield checks.Error(message, hint=hint, id="gatepass.E002")
        return
    before = list(settings.MIDDLEWARE)[: list(settings.MIDDLEWARE).index(_MIDDLEWARE)]
    for name in before:
        if name not in _MAY_COME_FIRST:
            message = f"{name} answers before the policy's https and CORS rules are applied"
            yield checks.Warning(message, hint=hint, id="gatepass.W003")


def _check_transport(policy: HttpPolicy) -> Iterator[checks.CheckMessage]:
    for risk in [] if settings.DEBUG else find_risks(policy):
        hint = risk.cure
        if risk is OPEN_HTTP:
            if settings.SECURE_SSL_REDIRECT:
                continue
            hint += " Django's SECURE_SSL_REDIRECT will do too."
        message = f"{risk.sentence} while DEBUG is off"
        yield checks.Warning(message, hint=hint, id=f"gatepass.{risk.code}")


def _check_claims() -> Iterator[checks.CheckMessage]:
    """A function of claims that is missing, or that the project's `Auth` does not call."""
    try:
        find_claims()
    except SettingsRejected as error:
        yield checks.Error(str(error), id="gatepass.E001")
        return
    if getattr(settings, "GATEPASS_CLAIMS", None) is not None and not DjangoUsers.by_setting:
        yield checks.Warning(
            "GATEPASS_CLAIMS is set, and the Auth of GATEPASS_AUTH does not use it",
            hint="Give that Auth authenticate=DjangoUsers().authenticate, and its manager "
            "load_claims=DjangoUsers().load_claims; or remove GATEPASS_CLAIMS.",
            id="gatepass.W005",
        )


def _check_views() -> Iterator[checks.CheckMessage]:
    """Guards that a view only carries, and that are never called."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return
    views = list(_views_below(get_resolver()))
    yield from _check_rest(views)
    for view in views:
        made_of = getattr(view, "cls", None) or getattr(view, "view_class", None)
        carried = [getattr(view, "permission_classes", ()), getattr(made_of, "decorators", ())]
        if not hasattr(made_of, "check_permissions"):
            carried.append(getattr(made_of, "permission_classes", ()))
        name = f"{view.__module__}.{getattr(made_of or view, '__qualname__', view)}"
        for operation in _operations(view):
            if _has_guard(list(getattr(operation, "auth_callbacks", ()))):
                shown = operation.view_func
                yield checks.Error(
                    f"the guard of {shown.__module__}.{shown.__qualname__} is no guard of "
                    "django-ninja, so that every request fails",
                    hint="Give auth= of the API, the router or the operation auth.ninja(…).",
                    id="gatepass.E003",
                )
        if _has_guard(getattr(made_of, "authentication_classes", ())):
            yield checks.Error(
                f"the guard of {name} is in authentication_classes, so that every request fails",
                hint="Put it in permission_classes.",
                id="gatepass.E003",
            )
        if any(_has_guard(each) for each in carried):
            yield checks.Error(
                f"the guard of {name} is never asked, so that everybody gets in",
                hint="permission_classes are for APIView and below @api_view; other classes take "
                '@method_decorator(auth.required(), name="dispatch").',
                id="gatepass.E003",
            )


def _check_rest(views: Iterable[Any]) -> Iterator[checks.CheckMessage]:
    """DRF's own exception handler, which knows the table's body only of our own refusals."""
    made_of: list[Any] = [getattr(view, "cls", None) for view in views]
    classes = [one for one in made_of if hasattr(one, "check_permissions")]
    if not classes:
        return
    from rest_framework.views import exception_handler  # noqa: PLC0415 - only with DRF

    from gatepass.django.rest import GatepassAuthentication  # noqa: PLC0415 - only with DRF

    if any(
        one.settings.EXCEPTION_HANDLER is exception_handler
        and (
            _has_guard(list(one.permission_classes))
            or any(
                isinstance(each, type) and issubclass(each, GatepassAuthentication)
                for each in one.authentication_classes
            )
        )
        for one in classes
    ):
        message = "some refusals of REST framework are not in the form of gatepass's table"
        handler = '"EXCEPTION_HANDLER": "gatepass.django.rest.exception_handler"'
        yield checks.Warning(message, hint=f"Put {handler} in REST_FRAMEWORK.", id="gatepass.W004")


def _operations(view: Any) -> Iterator[Any]:
    """The operations of a view that django-ninja made: it keeps them in a closure."""
    for cell in getattr(view, "__closure__", None) or ():
        with suppress(ValueError):  # the cell is empty
            yield from getattr(cell.cell_contents, "operations", ())


def _views_below(resolver: Any) -> Iterator[Any]:
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from _views_below(pattern)
        else:
            yield pattern.callback


def _has_guard(carried: object) -> bool:
    """Whether one of these is a guard, or composed of one."""
    listed: Iterable[Any] = carried if isinstance(carried, list | tuple) else ()
    return any(
        isinstance(one, Guarding)
        or _has_guard([getattr(one, "op1_class", None), getattr(one, "op2_class", None)])
        for one in listed
        if one is not None
    )
