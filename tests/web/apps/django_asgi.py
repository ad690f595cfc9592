"""The Django project under test for an ASGI server."""

import os

from django.core.asgi import get_asgi_application

from tests.web.apps.observed import observed

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.web.apps.django_settings")
app = observed(get_asgi_application())
