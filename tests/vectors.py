"""Where the published test vectors are, and how a test asks for them."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

VECTORS: Path = Path(__file__).resolve().parents[2] / "shared" / "vectors"
"""They are not copied into the project: they are `../shared/vectors` beside it."""


def require_vectors() -> Path:
    """The folder of vectors; skips where there is none, and fails where `CI` is set."""
    if not VECTORS.is_dir():
        reason = "there are no test vectors in ../shared/vectors beside the project"
        if os.environ.get("CI", "").lower() in {"", "0", "false"}:
            pytest.skip(reason, allow_module_level=True)
        pytest.fail(reason)
    return VECTORS


def load(relative_path: str) -> Any:
    """One JSON file of the vectors, parsed."""
    return json.loads((require_vectors() / relative_path).read_bytes())
