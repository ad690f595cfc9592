"""The import directions of ARCHITECTURE.md as a table, and the check that reads it."""

import ast
import sys
from collections.abc import Iterator

PACKAGE = "gatepass"

_PURE = frozenset({"_clock", "_maybe_await", "errors", "jose", "sessions", "tokens"})
_CORE = _PURE | {"events", "manager", "watches"}
_GLUE = frozenset({"_extras", "http", "gate"})
_STORES = frozenset(
    {"_clock", "_extras", "_file_access", "_forks", "_maybe_await", "errors", "sessions"}
    | {"watches", "stores", "revocations"}
)

MAY_IMPORT: dict[str, frozenset[str]] = {
    "": _CORE,
    "_clock": frozenset(),
    "_exchange": frozenset({"errors"}),
    "_extras": frozenset(),
    "_file_access": frozenset({"errors"}),
    "_forks": frozenset(),
    "_maybe_await": frozenset(),
    "_private_files": frozenset({"errors"}),
    "_secret_files": frozenset({"errors"}),
    "errors": frozenset(),
    "jose": frozenset({"errors"}),
    "sessions": frozenset({"errors"}),
    "http": frozenset({"_extras", "errors"}),
    "tokens": _PURE | {"watches"},
    "events": frozenset({"_forks", "sessions"}),
    "manager": _PURE | {"events", "watches"},
    "watches": frozenset({"_forks", "_maybe_await", "errors"}),
    "stores": _STORES - {"revocations"},
    "revocations": _STORES,
    "settings": _CORE | _STORES | {"_extras", "_secret_files", "http", "keyfile"},
    "gate": _CORE | {"_maybe_await", "http"},
    "passwords": frozenset({"_extras", "errors", "http"}),
    "asgi": _CORE | _GLUE,
    "fastapi": _CORE | _GLUE | {"asgi"},
    "flask": _CORE | _GLUE,
    "metrics": _CORE | _GLUE,
    "django": _CORE | _STORES | _GLUE | {"settings"},
    "testing": _CORE | _STORES | {"gate", "asgi"},
    "cli": _CORE | _STORES | {"_secret_files", "settings", "server", "http", "keyfile"},
    "server": _CORE
    | _STORES
    | {"_secret_files", "settings", "http", "fastapi", "gate", "asgi", "keyfile", "metrics"}
    | {"passwords"},
    "httpx": frozenset(
        {"_clock", "_exchange", "_extras", "_file_access", "_forks", "_private_files", "errors"}
    ),
    "keyfile": frozenset({"_file_access", "_forks", "_private_files", "errors", "jose"}),
    "remote": frozenset({"_exchange", "_extras", "_forks", "errors", "jose"}),
    "issuers": frozenset({"errors", "jose", "tokens", "remote"}),
}
"""Which parts of ours a part may import besides itself; "" is `import gatepass`."""

MAY_NEED: dict[str, frozenset[str]] = {
    "": frozenset(),
    "_extras": frozenset(),
    "errors": frozenset(),
    "jose": frozenset({"cryptography", "msgspec"}),
    "sessions": frozenset({"msgspec"}),
    "http": frozenset({"limits", "msgspec"}),
    "tokens": frozenset({"msgspec"}),
    "events": frozenset(),
    "manager": frozenset({"msgspec"}),
    "stores": frozenset({"alembic", "msgspec", "psycopg", "redis", "sqlalchemy"}),
    "revocations": frozenset({"sqlalchemy"}),
    "settings": frozenset({"pydantic", "pydantic_settings"}),
    "testing": frozenset({"django", "fastapi", "flask", "httpx", "pytest", "starlette"}),
    "gate": frozenset(),
    "passwords": frozenset({"argon2", "bcrypt", "passlib"}),
    "asgi": frozenset(),
    "flask": frozenset({"flask", "werkzeug"}),
    "metrics": frozenset({"prometheus_client"}),
    "django": frozenset({"asgiref", "django", "drf_spectacular", "ninja", "rest_framework"}),
    "fastapi": frozenset({"anyio", "fastapi", "pydantic", "starlette"}),
    "_exchange": frozenset({"httpx"}),
    "httpx": frozenset({"httpx", "msgspec"}),
    "keyfile": frozenset({"msgspec"}),
    "remote": frozenset({"httpx"}),
    "issuers": frozenset(),
}
"""Which distributions a part may import; the composition roots are free."""

NO_IO = frozenset(
    {"asyncio", "http", "io", "logging", "os", "pathlib", "selectors", "socket", "sqlite3"}
    | {"ssl", "subprocess", "tempfile", "urllib.request"}
)
"""What the pure parts leave alone."""
_ALSO_OF = {"_addresses": "_exchange"}
"""Modules at the top that belong to a part of another name."""
PURE = _PURE | {"http"}


def part_of(module: str) -> str:
    """The part a module of ours belongs to: `gatepass.jose.keys` is of `jose`."""
    name = [*module.split("."), ""][1]
    return _ALSO_OF.get(name, name)


def imports_of(source: str, module: str, *, is_package: bool = False) -> Iterator[str]:
    """The absolute names of all modules that a source imports, wherever the import stands."""
    parts = module.split(".")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            upwards = node.level - is_package
            package = parts[: len(parts) - upwards] if node.level else []
            base = ".".join([*package, *([node.module] if node.module else [])])
            yield base
            if base == PACKAGE:  # `from gatepass import stores` reaches a part
                yield from (f"{base}.{alias.name}" for alias in node.names)


def crossings(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """Every import of a source that the tables do not allow, as sentences."""
    part = part_of(module)
    found = []
    for name in imports_of(source, module, is_package=is_package):
        top = name.split(".")[0]
        if top == PACKAGE:
            target = part_of(name)
            is_name_of_root = target not in MAY_IMPORT
            if target and target != part and not is_name_of_root and target not in MAY_IMPORT[part]:
                found.append(f"{module} imports {name}: {part or PACKAGE} may not know {target}")
            elif is_name_of_root and part in _CORE:
                found.append(f"{module} imports {name} from the root, which imports it")
        elif top in sys.stdlib_module_names:
            if part in PURE and {top, name} & NO_IO:
                found.append(f"{module} imports {name}: {part} is pure")
        elif part in MAY_NEED and top not in MAY_NEED[part]:
            found.append(f"{module} imports {name}: {part} may not need {top}")
    return found
