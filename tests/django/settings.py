"""A project with users, sessions and every middleware that matters here."""

import tempfile

SECRET_KEY = "a key that guards nothing but tests"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.django.urls"
GATEPASS_AUTH = "tests.django.auth.auth"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "gatepass.django",
    "tests.django.people",
    "axes",
    "drf_spectacular",
]
AXES_ENABLED = False
AXES_VERBOSE = False
MIDDLEWARE = [
    "gatepass.django.middleware.GatepassMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": tempfile.mkdtemp(prefix="gatepass-django-") + "/django.db",
    },
    "other": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
}
PASSWORD_HASHERS = [
    "tests.django.hashers.Today",
    "django.contrib.auth.hashers.MD5PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS: list[dict[str, str]] = []
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["gatepass.django.rest.GatepassAuthentication"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "gatepass.django.rest.exception_handler",
}
