"""A folder to serve from."""

from tests.server.conftest import here

__all__ = ["here"]
