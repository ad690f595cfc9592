"""The published test vectors in `../shared/vectors`, which are not copied into the project."""

import json
from pathlib import Path
from typing import Any

VECTORS: Path = Path(__file__).resolve().parents[3] / "shared" / "vectors"


def load(relative_path: str) -> Any:
    """One JSON file of the vectors, parsed."""
    return json.loads((VECTORS / relative_path).read_bytes())
