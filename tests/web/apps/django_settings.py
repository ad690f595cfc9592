"""The settings of the Django project under test."""

import os

SECRET_KEY = "a key that guards nothing but tests"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = f"tests.web.apps.django_{os.environ.get('WEB_VIEWS', 'sync')}"
GATEPASS_AUTH = "tests.web.apps.django_auth.auth"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "gatepass.django"]
MIDDLEWARE = [
    "gatepass.django.middleware.GatepassMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
APPEND_SLASH = False
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["gatepass.django.rest.GatepassAuthentication"],
    "EXCEPTION_HANDLER": "gatepass.django.rest.exception_handler",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
