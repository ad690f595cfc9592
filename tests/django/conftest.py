"""Django set up once, and a user for each test."""

import os
from collections.abc import Iterator

import django
import pytest

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.django.settings"
os.environ["NINJA_SKIP_REGISTRY"] = "yes"  # django-ninja 1.5 counts its APIs, and tests make many
django.setup()

from django.contrib.auth.models import User  # noqa: E402 - after the set-up
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import (  # noqa: E402
    setup_test_environment,
    teardown_test_environment,
)

from tests.django.auth import auth, manager, store  # noqa: E402

PASSWORD = "correct horse battery"


@pytest.fixture(scope="session", autouse=True)
def tables() -> Iterator[None]:
    call_command("migrate", verbosity=0, run_syncdb=True)
    setup_test_environment()
    yield
    teardown_test_environment()


@pytest.fixture
def ada() -> Iterator[User]:
    user = User.objects.create_user("ada", password=PASSWORD)
    yield user
    store.is_down = False
    User.objects.filter(username="ada").delete()


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def token(ada: User) -> str:
    return manager.issue(str(ada.pk), {"username": "ada"}).access_token


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


__all__ = ["auth"]
