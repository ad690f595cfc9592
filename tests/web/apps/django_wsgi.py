"""The Django project under test for a WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

from tests.web.apps.observed import observed_wsgi

# Set, and no default: a run that collects tests/django has their settings in its environment.
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.web.apps.django_settings"
app = observed_wsgi(get_wsgi_application())
