"""The error of an import whose extra is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Name the command that installs the library which an import inside misses.

    Raises:
        ModuleNotFoundError: A library is not installed; the message is that command.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in {"", "gatepass"}:
            raise
        message = f"{missing} is not installed, run: pip install 'gatepass[{extra}]'"
    else:
        return
    raise ModuleNotFoundError(message, name=missing)
