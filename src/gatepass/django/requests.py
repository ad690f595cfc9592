"""A request of Django as decisions read it, and answers as Django sends them."""

from django.http import HttpRequest as DjangoHttpRequest
from django.http import HttpResponse

from gatepass.errors import GuardMisused
from gatepass.http import MAX_BODY, Answer, RequestRefused, WsgiRequest
from gatepass.http.problems import INVALID_REQUEST
from gatepass.http.requests import TOO_LONG


class DjangoRequest(WsgiRequest):
    """Django's `META` has the form of a WSGI environ under ASGI too, but for the scheme."""

    __slots__ = ("_request",)

    def __init__(self, request: DjangoHttpRequest) -> None:
        try:
            self._environ = request.META
        except AttributeError:
            raise GuardMisused(
                f"a guard was called with {type(request).__name__} and not with a request: methods "
                'of a class take it by @method_decorator(auth.required(), name="dispatch")'
            ) from None
        self._scheme = None
        self._request = request
        self.method = request.method or "GET"

    @property
    def scheme(self) -> str:
        """The scheme by Django, with `SECURE_PROXY_SSL_HEADER` if that is set."""
        return self._request.scheme or "http"

    @property
    def path(self) -> str:
        """See `HttpRequest.path`."""
        return self._request.path


def send(answer: Answer) -> HttpResponse:
    """The response that carries exactly this answer."""
    response = HttpResponse(answer.body, status=answer.status)
    del response.headers["Content-Type"]
    for name, value in answer.headers:
        if name == "Set-Cookie":
            response.cookies.load(value)
        else:
            response.headers[name] = value
    return response


def read_body(request: DjangoHttpRequest) -> bytes:
    """The body of a request.

    Raises:
        RequestRefused: The body is too long, or the client hung up.
    """
    meta, stream = request.META, request
    if not meta.get("CONTENT_LENGTH") and meta.get("wsgi.input_terminated"):
        stream = meta["wsgi.input"]  # a body in chunks, which Django takes for none
    try:
        body: bytes = stream.read(MAX_BODY + 1)
    except OSError:
        raise RequestRefused(INVALID_REQUEST, reason=TOO_LONG) from None
    if len(body) > MAX_BODY:
        raise RequestRefused(INVALID_REQUEST, reason=TOO_LONG)
    return body
