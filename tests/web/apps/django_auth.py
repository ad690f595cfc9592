"""The `Auth` of the Django project under test."""

import os

from gatepass.django import Auth
from tests.web.apps.observed import METRICS, hook
from tests.web.apps.parts import (
    authenticate,
    change_password,
    limits,
    policy,
    proxy_gate,
    settings,
)

sync, waiting = (
    settings().manager(on_event=hook),
    settings().async_manager(on_event=hook),
)
if os.environ.get("WEB_VIEWS") == "async":
    auth = Auth(
        waiting,
        twin=sync,
        authenticate=authenticate,
        change_password=change_password,
        limits=limits(),
        http=policy(),
        proxy_gate=proxy_gate(),
    )
else:
    auth = Auth(
        sync,
        twin=waiting,
        authenticate=authenticate,
        change_password=change_password,
        limits=limits(),
        http=policy(),
        proxy_gate=proxy_gate(),
    )
METRICS.follow(auth)
