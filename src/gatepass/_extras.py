"""What to say when a module is imported whose extra was not installed."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Name the line that installs what an import inside is missing.

    Raises:
        ModuleNotFoundError: As Python raises it, but with that line for a message.
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
