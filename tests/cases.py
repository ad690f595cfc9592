"""Many inputs in one test."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def case(*values: object) -> Iterator[None]:
    """A failure inside it says for which of the inputs."""
    try:
        yield
    except BaseException as error:
        error.add_note("with " + ", ".join(ascii(value)[:200] for value in values))
        raise
