"""What access tokens say about a user."""

from typing import Any


def claims(user: Any) -> dict[str, Any]:
    """The user name, and the role that `auth.required(roles=…)` asks for."""
    return {"username": user.get_username(), "role": "admin" if user.is_superuser else "user"}
