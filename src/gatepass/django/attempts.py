"""A login under way: its request for Django's `authenticate`, its user for Django's signal."""

import json
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.contrib.auth import user_logged_in
from django.http import HttpRequest

from gatepass.django.auth import Auth
from gatepass.django.requests import DjangoRequest
from gatepass.gate import LOGIN, settle
from gatepass.http import Answer

_OK: Final = 200


@dataclass(slots=True)
class Attempt:
    """One login by a user name and a password."""

    request: HttpRequest
    user: Any = None
    """The user whose password was right."""


UNDER_WAY: Final[ContextVar[Attempt | None]] = ContextVar("gatepass_login", default=None)


async def log_in(auth: Auth, request: HttpRequest, read: Callable[[], bytes]) -> Answer:
    """The answer to a login; Django's `user_logged_in` tells of one that succeeded.

    A receiver of Django's own then sets `last_login`. If a receiver fails, nobody gets the tokens,
    so their session ends.
    """
    attempt = Attempt(request)
    token = UNDER_WAY.set(attempt)
    try:
        answer = await auth.answer(LOGIN, DjangoRequest(request), read)
    finally:
        UNDER_WAY.reset(token)
    user = attempt.user
    if user is not None and answer.status == _OK:
        tell = partial(user_logged_in.send, sender=type(user), request=request, user=user)
        try:
            await settle(sync_to_async(tell)() if auth.is_async else tell())
        except BaseException:
            session_id = json.loads(answer.body)["session_id"]
            manager: Any = auth.manager
            await settle(manager.revoke_session(session_id, reason="a receiver failed"))
            raise
    return answer
