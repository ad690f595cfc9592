"""Reads the fenced blocks of a document and runs those in Python.

A document's `python` blocks run in order, as one module. A `python-fragment` runs in a copy of
that module's names and may `await`, as the body of an async function could. What a statement
prints, returns or raises can stand beside it (`total  # -> 3`) or alone on the next line; what a
whole block prints can stand in a `text` block after it. `…` stands for anything.
"""

import ast
import asyncio
import contextlib
import inspect
import io
import re
import tokenize
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LANGUAGES = frozenset({"python", "python-fragment", "console", "bash", "text", "json", "toml"})
"""What a fence may say; anything else, and a fence that says nothing, is refused."""
_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,}|~{3,})(?P<language>[^`]*)$")
_ARROW = re.compile(r"^#\s*->\s?(?P<expected>.*)$")


class DocumentWrong(AssertionError):
    """A document says something that is not so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block: where it stands, what it says, and what its output should be."""

    file: Path
    line: int
    """The line of the opening fence, counted from 1."""
    language: str
    text: str
    expected: str | None = None

    def wrong(self, what: str, offset: int = 0) -> DocumentWrong:
        """The error that names the place."""
        return DocumentWrong(f"{self.file.name}:{self.line + offset}: {what}")


def parse_blocks(file: Path) -> list[Block]:
    """The fenced blocks of a document; a `text` block goes with the block right before it."""
    blocks: list[Block] = []
    attaches = False
    lines = iter(enumerate(file.read_text().splitlines(), start=1))
    for number, line in lines:
        fence = _FENCE.match(line)
        if fence is None:
            attaches = attaches and not line.strip()
            continue
        text = "\n".join(_until_closed(lines, fence, f"{file.name}:{number}"))
        block = Block(file=file, line=number, language=fence["language"].strip(), text=text)
        if attaches and block.language == "text":
            before = blocks.pop()
            block = Block(
                file=file, line=before.line, language=before.language, text=before.text,
                expected=text,
            )  # fmt: skip
        attaches = block.expected is None and block.language in {
            "python",
            "python-fragment",
            "bash",
        }
        blocks.append(block)
    return blocks


def _until_closed(
    lines: Iterator[tuple[int, str]], fence: re.Match[str], where: str
) -> Iterator[str]:
    indent = len(fence["indent"])
    for _, line in lines:
        if line.strip() == fence["ticks"]:
            return
        yield line[indent:] if not line[:indent].strip() else line
    raise DocumentWrong(f"{where}: the block is never closed")


def is_as_expected(expected: str, actual: str) -> bool:
    """Whether an output is the expected one, where `…` stands for anything."""
    return re.fullmatch(expectation(expected), _trimmed(actual)) is not None


def expectation(expected: str) -> re.Pattern[str]:
    """The expected output as a pattern."""
    pieces = (re.escape(piece) for piece in _trimmed(expected).split("…"))
    return re.compile(".*?".join(pieces), re.DOTALL)


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def run_python(block: Block, module: types.ModuleType, runner: asyncio.Runner) -> None:
    """Run a block in a module, statement by statement, and compare what was foretold."""
    names = vars(module)
    if block.language == "python-fragment":
        names = dict(names)
    printed = ""
    expected = _foretold(block.text)
    tree = ast.parse(block.text, filename=str(block.file))
    for index, statement in enumerate(tree.body):
        after = tree.body[index + 1].lineno if index + 1 < len(tree.body) else None
        comments = [
            text
            for line, text in expected
            if statement.lineno <= line and (after is None or line < after)
        ]
        place = statement.lineno
        ast.increment_lineno(statement, block.line)
        shown, output = _run_statement(statement, block, names, runner, has_arrow=bool(comments))
        printed += output
        if comments and not any(is_as_expected("\n".join(comments), one) for one in shown):
            raise block.wrong(f"foretold {comments}, but it is {shown}", place)
    if block.expected is not None and not is_as_expected(block.expected, printed):
        raise block.wrong(f"foretold\n{block.expected}\nbut it prints\n{printed}")


def _foretold(source: str) -> list[tuple[int, str]]:
    """The `# ->` comments of a source with their lines."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = ((token.start[0], _ARROW.match(token.string)) for token in tokens)
    return [(line, match["expected"]) for line, match in comments if match]


def _run_statement(
    statement: ast.stmt,
    block: Block,
    names: dict[str, Any],
    runner: asyncio.Runner,
    *,
    has_arrow: bool,
) -> tuple[list[str], str]:
    """The ways in which a statement's outcome may be written, and what it printed."""
    is_fragment = block.language == "python-fragment"
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT if is_fragment else 0
    tree: ast.Expression | ast.Module
    if isinstance(statement, ast.Expr):
        tree, mode = ast.Expression(statement.value), "eval"
    else:
        tree, mode = ast.Module([statement], type_ignores=[]), "exec"
    code = compile(tree, str(block.file), mode, flags=flags, dont_inherit=True)
    value = None
    with contextlib.redirect_stdout(io.StringIO()) as output:
        try:
            value = eval(code, names)  # noqa: S307 - the documents are ours
            if code.co_flags & inspect.CO_COROUTINE:
                value = runner.run(value)
        except Exception as error:
            if not has_arrow:
                raise
            return [f"{type(error).__name__}: {error}", type(error).__name__], output.getvalue()
    printed = output.getvalue()
    return ([printed] if value is None else [repr(value), str(value)]), printed
