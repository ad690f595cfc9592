"""The command line; importing this module needs no extra, running it says which one is missing."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from gatepass._extras import needs_extra


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `gatepass` with these arguments, by default those of the process; it ends in an exit."""
    with needs("cli"):
        from gatepass.cli.app import run  # noqa: PLC0415 - the extra may be missing

    run(arguments)


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """When an import inside fails, print the command that installs it, and exit with 2."""
    try:
        with needs_extra(extra):
            yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("gatepass"):
            raise
        sys.stderr.write(f"gatepass: {error}\n")
        raise SystemExit(2) from None
