"""Settings: gatepass takes keys and database from the environment, and Django's own users."""

from pathlib import Path

from gatepass.server.secrets import generate_secret

SECRET_KEY = generate_secret()
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "project"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "gatepass.django"]
MIDDLEWARE = [
    "gatepass.django.middleware.GatepassMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path.cwd() / "django.db"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
GATEPASS_CLAIMS = "accounts.claims"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["gatepass.django.rest.GatepassAuthentication"],
    "EXCEPTION_HANDLER": "gatepass.django.rest.exception_handler",
}
