"""Revocations that could not work are refused when a verifier is made, not at every request."""

from typing import Any, ClassVar

import pytest

from gatepass import TokenVerifier
from gatepass.jose import SharedKey


class Unsaid:
    """Revocations that do not say whether they are awaited."""

    def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        return bool(session_id or token_id)


class Mistaken:
    """Revocations that say the wrong thing: every token would be refused."""

    is_async: ClassVar[Any] = False

    async def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        return bool(session_id or token_id)


class Empty:
    """Nothing that could be asked."""

    is_async = False


@pytest.mark.parametrize(
    ("revocations", "told"),
    [
        (Unsaid(), r"Unsaid is not a sync store or source of .* with is_async = False$"),
        (Mistaken(), r"is_revoked of Mistaken is a coroutine function: it is is_async = True$"),
        (Empty(), r"^Empty has no is_revoked\(session_id, token_id\)$"),
    ],
)
def test_revocations_that_cannot_work_are_refused_at_once(revocations: Any, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        TokenVerifier(SharedKey.generate(), issuer="a", audience="b", revocations=revocations)
