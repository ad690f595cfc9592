"""The `Auth` of the Django project under test."""

import os

from gatepass.django import Auth
from gatepass.stores.sql import AsyncSqlStore
from tests.web.apps.parts import authenticate, policy, settings

store = AsyncSqlStore.from_url(settings().sqlite_url)
managers = (settings().manager(store.twin), settings().async_manager(store))
if os.environ.get("WEB_VIEWS") == "async":
    auth = Auth(managers[1], twin=managers[0], authenticate=authenticate, http=policy())
else:
    auth = Auth(managers[0], twin=managers[1], authenticate=authenticate, http=policy())
