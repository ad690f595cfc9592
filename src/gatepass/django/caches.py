"""Django's caches and one person's answer: `Vary` for caches above a guard, none below it."""

from collections.abc import Iterable
from typing import Any, Final

from django.http.response import HttpResponseBase, JsonResponse
from django.utils.cache import patch_vary_headers

from gatepass.tokens import AccessClaims

_kinds: Final[dict[type[Any], type[Any]]] = {}


class _NeverStored:
    """Django's cache middleware stores an answer when this attribute of the request is true.

    `cache_page` below a guard sees the answer before the guard adds `Vary`, and would give it to
    the next caller. It sets the attribute itself, so that the class has to hold it.
    """

    _cache_update_cache = property(lambda _: False, lambda _request, _value: None)


def keep_out_of_caches(request: Any) -> type[Any]:
    """Store no answer to this request in a cache of Django; returns the class to go back to."""
    kind: type[Any] = type(request)
    if not issubclass(kind, _NeverStored):
        if kind not in _kinds:
            _kinds[kind] = type(kind.__name__, (_NeverStored, kind), {})
        request.__class__ = _kinds[kind]
    request.gatepass_guarded = True  # the middleware adds `Vary`, whoever answers
    return kind


def let_into_caches(request: Any, kind: type[Any], response: Any, vary: Iterable[str]) -> Any:
    """The response with its `Vary`, for the caches above; all else stays out of caches.

    A view may return claims: the response is their JSON object.
    """
    if isinstance(response, AccessClaims):
        response = JsonResponse(dict(response))
    if isinstance(response, HttpResponseBase):
        patch_vary_headers(response, list(vary))
        request.__class__ = kind
    return response
