"""A hash of today's parameters that costs a test nothing."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class Today(PBKDF2PasswordHasher):
    algorithm = "pbkdf2_today"
    iterations = 2
