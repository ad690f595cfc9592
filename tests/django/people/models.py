"""Users of other shapes than Django's own."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models


class Person(AbstractBaseUser):
    """A user with a UUID and a name that others may have, found by no natural key."""

    USERNAME_FIELD = "name"

    id: Any = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name: Any = models.CharField(max_length=20)
    objects: ClassVar[models.Manager["Person"]] = models.Manager()

    def has_perm(self, _: str) -> bool:
        return False


class Members(BaseUserManager["Member"]):
    """Takes a name in small and capital letters alike."""

    def get_by_natural_key(self, username: str | None) -> "Member":
        return self.get(name__iexact=username)


class Member(AbstractBaseUser):
    """A user whose name in other letters is another user's."""

    USERNAME_FIELD = "name"

    name: Any = models.CharField(max_length=20, unique=True)
    objects: ClassVar[Members] = Members()
