"""The `Auth` of the Django project under test."""

import os

from gatepass.django import Auth
from tests.web.apps.parts import authenticate, change_password, limits, policy, settings

sync, waiting = settings().manager(), settings().async_manager()
if os.environ.get("WEB_VIEWS") == "async":
    auth = Auth(
        waiting,
        twin=sync,
        authenticate=authenticate,
        change_password=change_password,
        limits=limits(),
        http=policy(),
    )
else:
    auth = Auth(
        sync,
        twin=waiting,
        authenticate=authenticate,
        change_password=change_password,
        limits=limits(),
        http=policy(),
    )
