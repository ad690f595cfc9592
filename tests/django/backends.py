"""Backends that know users by their address, and by a name that several have."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User

from tests.django.people.models import Person


class ByAddress(ModelBackend):
    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        del request
        user = User.objects.filter(email=username).first()
        return user if user is not None and user.check_password(password or "") else None


class FirstPerson(ModelBackend):
    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **_: Any
    ) -> Any:
        del request
        people = Person.objects.filter(name=username or "")
        return next((one for one in people if one.check_password(password or "")), None)
