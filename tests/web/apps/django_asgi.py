"""The Django project under test for an ASGI server."""

import os

from django.core.asgi import get_asgi_application

from tests.web.apps.observed import observed

# Set, and no default: a run that collects tests/django has their settings in its environment.
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.web.apps.django_settings"
app = observed(get_asgi_application())
