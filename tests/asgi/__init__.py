"""Plain ASGI beside what the scenarios of `tests/web` show."""
