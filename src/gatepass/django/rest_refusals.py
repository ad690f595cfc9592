"""Refusals as Django REST framework takes them from a guard or an authentication."""

import json
from typing import Any, NoReturn

from gatepass._extras import needs_extra
from gatepass.django.caches import keep_out_of_caches
from gatepass.django.common_auth import AnyDjangoAuth
from gatepass.django.users import DjangoUsers
from gatepass.errors import StoreUnavailable
from gatepass.http import Answer, RequestRefused
from gatepass.tokens import AccessClaims

with needs_extra("rest"):
    from rest_framework.exceptions import APIException


class Refused(APIException):
    """A rejected request, which DRF's own exception handler answers with our status and body."""

    def __init__(self, answer: Answer) -> None:
        body = json.loads(answer.body)
        super().__init__(body, code=body["code"])
        self.status_code = answer.status
        self.answer = answer


def refuse(
    error: RequestRefused | StoreUnavailable, request: Any, view: Any, auth: AnyDjangoAuth
) -> NoReturn:
    """Reject a request of DRF; the view gets the headers of the answer.

    Raises:
        Refused: Always.
    """
    mark(request, view, auth, None)
    answer = auth.answer_error(error)
    if hasattr(view, "headers"):
        view.headers |= {name: value for name, value in answer.headers if name != "Content-Type"}
    raise Refused(answer) from error


def find_forced(request: Any, auth: AnyDjangoAuth) -> AccessClaims | None:
    """The claims of a caller whom a test set with DRF's `force_authenticate`.

    They are its `token=`, if that is claims, or else what the user's tokens would say.
    """
    plain = request._request  # noqa: SLF001 - DRF's own name for Django's request
    user = getattr(plain, "_force_auth_user", None)
    token = getattr(plain, "_force_auth_token", None)
    if isinstance(token, AccessClaims):
        return token
    if user is None:
        return None
    now = int(auth._now())  # noqa: SLF001 - the clock of `fresh`
    own = {"sub": str(user.pk), "iat": now, "auth_time": now}
    request.auth = AccessClaims({**DjangoUsers().claims_of(user), **own})
    return request.auth  # type: ignore[no-any-return]


def mark(request: Any, view: Any, auth: AnyDjangoAuth, claims: AccessClaims | None) -> None:
    """Tell caches above the view whose answer it is, and keep it out of those below."""
    request._request.gatepass_guarded = True  # noqa: SLF001 - the middleware adds `Vary`
    headers = getattr(view, "headers", {})
    if auth.vary not in headers.get("Vary", ""):
        headers["Vary"] = ", ".join([*filter(None, [headers.get("Vary")]), auth.vary])
    if claims is not None:
        keep_out_of_caches(request)
