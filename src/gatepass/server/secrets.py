"""New secrets; needs nothing beside the standard library."""

import secrets


def generate_secret() -> str:
    """A good random secret: 384 bits as 64 characters."""
    return secrets.token_urlsafe(48)
