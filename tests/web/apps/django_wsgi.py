"""The Django project under test for a WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.web.apps.django_settings")
app = get_wsgi_application()
