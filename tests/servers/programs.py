"""Programs that a test starts and that do not end by themselves."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


@contextmanager
def program_of(
    command: Sequence[str], *, text: bool = False, **how: Any
) -> "Iterator[subprocess.Popen[Any]]":
    """A program for as long as it is needed; killed however the test ends.

    `Popen` by itself waits for a program whose test has failed, and nobody ends that one.
    """
    with subprocess.Popen(command, text=text, **how) as process:
        try:
            yield process
        finally:
            process.kill()
