"""The table of what is exchanged with whom: which cells there are, and how they are shown."""

from collections.abc import Sequence

from gatepass.jose import ALGORITHMS
from tests.interop.debian_jose import DebianJose
from tests.interop.libraries import ES, HS, PS, RS, Library, NodeLibrary, NodeProcess
from tests.interop.python_libraries import JoseRfc, PyJwt

NODE = NodeProcess()
_ALL = ("octets", "PEM", "JWK", "JWKS")
_LIBRARIES: tuple[Library, ...] = (
    PyJwt(),
    JoseRfc(),
    NodeLibrary("jose", (*HS, *RS, *PS, *ES, "EdDSA", "Ed25519"), _ALL, NODE),
    NodeLibrary("jsonwebtoken", (*HS, *RS, *PS, *ES), _ALL, NODE),
    NodeLibrary("fast-jwt", (*HS, *RS, *PS, *ES, "EdDSA"), ("octets", "PEM"), NODE),
    DebianJose(),
)
LIBRARIES: dict[str, Library] = {library.name: library for library in _LIBRARIES}
DIRECTIONS = ("they sign, gatepass verifies", "gatepass signs, they verify")
Cell = tuple[str, str, str]
CELLS: list[Cell] = [
    (library.name, algorithm, direction)
    for library in LIBRARIES.values()
    for algorithm in library.algorithms
    for direction in DIRECTIONS
]


def forms_of(library: Library, algorithm: str) -> list[str]:
    """The forms of keys that are exchanged; a shared key is in no set that is published."""
    wanted = ("octets", "JWK") if algorithm in HS else ("PEM", "JWK", "JWKS")
    return [form for form in wanted if form in library.forms]


def markdown(direction: str) -> str:
    """One direction as a table; a dash where the library has not the algorithm."""
    names = list(LIBRARIES)
    lines = [f"| | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for algorithm in ALGORITHMS:
        cells = [
            ", ".join(forms_of(library, algorithm)) if algorithm in library.algorithms else "–"
            for library in LIBRARIES.values()
        ]
        lines.append(f"| {algorithm} | {' | '.join(cells)} |")
    return f"## {direction[0].upper()}{direction[1:]}\n\n" + "\n".join(lines)


def outcomes(seen: dict[Cell, str], versions: dict[str, str]) -> Sequence[str]:
    """What a run has come to, for a terminal: both directions in one cell."""
    names = [f"{name} {versions.get(name, '')}".strip() for name in LIBRARIES]
    widths = [max(len(name), 15) for name in names]
    rows = [["", *names]]
    for algorithm in ALGORITHMS:
        row = [algorithm]
        for library in LIBRARIES.values():
            both = [seen.get((library.name, algorithm, way), "not run") for way in DIRECTIONS]
            row.append(" / ".join(both) if algorithm in library.algorithms else "-")
        rows.append(row)
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, (8, *widths), strict=True)).rstrip()
        for row in rows
    ]
