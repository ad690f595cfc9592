"""How long `import gatepass` takes beside `import jwt` with its algorithms."""

import os
import subprocess
import sys
import tempfile

from benchmarks.table import Target, show_table
from benchmarks.timing import Timer, interleave

_STATEMENTS = {
    "import gatepass": "import gatepass",
    "import jwt (PyJWT with cryptography)": "import jwt; jwt.algorithms.get_default_algorithms()",
    "import cryptography's primitives alone": (
        "from cryptography.hazmat.primitives import hashes, serialization; "
        "from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa"
    ),
}


def measure_imports(*, rounds: int) -> list[Target]:
    """Import each in fresh interpreters by turns, print the medians."""
    with tempfile.TemporaryDirectory() as folder:
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment = {**kept, "PYTHONPYCACHEPREFIX": folder}  # all compiled by the warm-up
        timers = {name: _timer(code, environment) for name, code in _STATEMENTS.items()}
        taken = interleave(timers, rounds=rounds, slice_ms=0)
    rows = [[name, f"{value / 1000:.1f}"] for name, value in taken.items()]
    show_table("Import in a fresh interpreter: median milliseconds", ["", "ms"], rows)
    ours, theirs, _ = taken.values()
    return [
        Target(
            "import gatepass over import jwt",
            f"{ours / theirs:.2f}x",
            "<= 1x",
            ours <= theirs,
        )
    ]


def _timer(statement: str, environment: dict[str, str]) -> Timer:
    code = (
        "import time; started = time.perf_counter_ns(); "
        f"{statement}; print(time.perf_counter_ns() - started)"
    )

    def run(loops: int) -> float:
        del loops  # one import per interpreter
        result = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return float(result.stdout)

    return run
