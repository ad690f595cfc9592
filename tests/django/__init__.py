"""The Django app beside what the scenarios of `tests/web` show."""
