"""The statements of `statements.sql`, as attributes of `SQL` and with named parameters."""

from importlib import resources
from types import SimpleNamespace
from typing import Final

from gatepass.stores.sql.rows import COLUMNS


def _read_statements() -> SimpleNamespace:
    file = resources.files("gatepass.stores.sql.sqlite") / "statements.sql"
    texts = {"columns": ", ".join(f"s.{name}" for name in COLUMNS)}
    for section in file.read_text("ascii").split("-- name: ")[1:]:
        name, *lines = section.splitlines()
        code = (line.strip() for line in lines if not line.startswith("--"))
        texts[name] = " ".join(code).strip().format_map(texts)
    return SimpleNamespace(**texts)


SQL: Final = _read_statements()
