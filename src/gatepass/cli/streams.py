"""Standard input and outputs as shells leave them: closed, full, or of another encoding."""

import io
import os
import sys
from pathlib import Path


def prepare_streams() -> None:
    """Put nothing where a stream is closed, and let no character fail on its way.

    Bytes that are no text are read as surrogates, which are no part of any password or token.
    Open files would otherwise take a closed stream's number.
    """
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open()  # noqa: SIM115 - open until the end
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - as above
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - as above
    for stream, errors in ((sys.stdin, "surrogateescape"), (sys.stdout, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)
