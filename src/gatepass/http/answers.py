"""An HTTP answer as a value that every framework can send; knows no framework."""

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from gatepass.http.bearer import format_challenge
from gatepass.http.problems import TOKEN_INVALID, WITH_RETRY_AFTER, RequestRefused

NO_STORE: Final = ("Cache-Control", "no-store")
_JSON: Final = ("Content-Type", "application/json")

_RETRY_AFTER: Final = 2
"""The default in seconds; a store's operation waits as long before it gives up."""


Headers = tuple[tuple[str, str], ...]
"""Header fields in order; a name may be there twice."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, headers and a body; `Content-Length` is the framework's."""

    status: int
    headers: Headers
    body: bytes = field(default=b"", repr=False)

    def plus(self, headers: Headers) -> "Answer":
        """The same answer with more headers."""
        return Answer(self.status, (*self.headers, *headers), self.body) if headers else self


def answer_json(content: Any, *, cache: str = "no-store") -> Answer:
    """A 200 with a JSON body; by default no cache stores it."""
    return Answer(200, (_JSON, ("Cache-Control", cache)), msgspec.json.encode(content))


def answer_nothing() -> Answer:
    """A 204: done, without a body."""
    return Answer(204, (NO_STORE,))


def answer_refused(refused: RequestRefused, *, invalid_token_status: int = 403) -> Answer:
    """The table's answer; `invalid_token_status=401` is plain RFC 6750."""
    problem = refused.problem
    headers = [_JSON, NO_STORE]
    if refused.challenge is not None:
        challenge = format_challenge(refused.challenge, problem.error, refused.parameters)
        headers.append(("WWW-Authenticate", challenge))
    if problem in WITH_RETRY_AFTER:
        seconds = _RETRY_AFTER if refused.retry_after is None else refused.retry_after
        headers.append(("Retry-After", str(max(1, seconds))))
    return Answer(
        invalid_token_status if problem is TOKEN_INVALID else problem.status,
        tuple(headers),
        msgspec.json.encode({"error": problem.error, "code": problem.code}),
    )
