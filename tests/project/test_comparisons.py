"""Secrets are compared in constant time: what the code says, since no clock shows it reliably."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.project.files import ROOT, SOURCE, SOURCES

# Where a presented secret, hash or signature meets the right one.
COMPARES = {
    "jose/_signatures.py": "shared.verify",
    "jose/keys.py": "_AnyKey.is_same_key",
    "sessions/rotation.py": "_decide",
    "stores/memory/store.py": "MemoryStore.revoke_session",
    "stores/sql/sqlite/work.py": "SqliteWork.revoke_session.change",
}
_SECRET = re.compile(r"(?:^|[_.])(?:sec|sec_hash|secret|signature|segment|digest|hexdigest|proof)$")


def _functions(tree: ast.AST, outer: str = "") -> Iterator[tuple[str, ast.AST]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            name = f"{outer}{node.name}"
            yield name, node
            yield from _functions(node, f"{name}.")


def _own_calls(function: ast.AST) -> set[str]:
    """The names of what a function calls, without those of functions inside it."""
    inner = {id(each) for _, node in _functions(function) for each in ast.walk(node)}
    calls = (each for each in ast.walk(function) if isinstance(each, ast.Call))
    return {ast.unparse(each.func).rpartition(".")[2] for each in calls if id(each) not in inner}


def _is_secret(operand: ast.expr) -> bool:
    """Whether a name, attribute or method says so, also inside a call: `encode(h.digest())`."""
    if isinstance(operand, ast.Name | ast.Attribute):
        return _SECRET.search(ast.unparse(operand)) is not None
    return isinstance(operand, ast.Call) and (
        _is_secret(operand.func) or any(map(_is_secret, operand.args))
    )


def _telling_comparisons(source: str) -> list[str]:
    """Comparisons that stop at the first octet that differs, of what must not be guessed."""
    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.Eq | ast.NotEq)
        and any(map(_is_secret, (node.left, *node.comparators)))
        and "len(" not in ast.unparse(node)
        and ".strip()" not in ast.unparse(node)
    ]


@pytest.mark.parametrize("file", COMPARES)
def test_a_presented_secret_meets_the_right_one_in_constant_time(file: str) -> None:
    functions = dict(_functions(ast.parse((SOURCE / "gatepass" / file).read_text())))

    assert "compare_digest" in _own_calls(functions[COMPARES[file]])


def test_no_secret_hash_or_signature_is_compared_in_a_time_that_tells() -> None:
    found = [
        (str(file.relative_to(ROOT)), telling)
        for file in SOURCES
        for telling in _telling_comparisons(file.read_text())
    ]

    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "encode(outer.digest()) == segment",
        "session.sec_hash != plan.sec_hash",
        "h.hexdigest() == given",
        "given == signature",
    ],
)
def test_a_comparison_that_tells_would_be_found(source: str) -> None:
    assert _telling_comparisons(source) == [source]
