"""Reads the fenced blocks of a document and runs those in Python.

A document's `python` blocks run in order, as one module. A `python-fragment` runs in a copy of
that module's names and may `await`, as the body of an async function could. What a statement
prints, returns or raises can stand beside it (`total  # -> 3`) or alone on the next line; what a
whole block prints can stand in a `text` block after it. `…` stands for anything. A block of
`python file=name.py` is a file for the document's commands.
"""

import ast
import asyncio
import contextlib
import inspect
import io
import re
import tokenize
import types
from collections.abc import Container, Iterator
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Self

LANGUAGES = frozenset(
    {
        "python",
        "python-fragment",
        "console",
        "bash",
        "text",
        "json",
        "toml",
        "javascript",
        "nginx",
        "caddy",
        "yaml",
        "html",
    }
)
"""What a fence may say; anything else, and a fence that says nothing, is refused.

`tests/browser` runs what is in JavaScript, `tests/web` the configurations of nginx and Caddy.
"""
FILE = "python file="
"""Begins a fence whose block is a file that the document's commands find by its name."""
_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,}|~{3,})(?P<language>[^`]*)$")
_FORETELL, _SEEN = "__foretell__", "__seen__"
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
    """Run a block in a module and compare what was foretold."""
    names = vars(module)
    flags = 0
    if block.language == "python-fragment":
        names, flags = dict(names), ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    tree = ast.parse(block.text, filename=str(block.file))
    expected = _foretold(block.text, tree)
    by_line = {statement.lineno: text for statement, text in expected.items()}
    names[_FORETELL] = lambda line: Foretold(block, line, by_line[line])
    _Watcher(expected).visit(tree)
    ast.fix_missing_locations(tree)
    ast.increment_lineno(tree, block.line)
    code = compile(tree, str(block.file), "exec", flags=flags, dont_inherit=True)
    with contextlib.redirect_stdout(io.StringIO()) as output:
        value = eval(code, names)  # noqa: S307 - the documents are ours
        if code.co_flags & inspect.CO_COROUTINE:
            runner.run(value)
    printed = output.getvalue()
    if block.expected is not None and not is_as_expected(block.expected, printed):
        raise block.wrong(f"foretold\n{block.expected}\nbut it prints\n{printed}")


class Foretold:
    """Watches one statement and compares what it prints, returns or raises."""

    def __init__(self, block: Block, line: int, expected: str) -> None:
        self.value: object = None
        self._block, self._line, self._expected = block, line, expected
        self._output = io.StringIO()
        self._redirection = contextlib.redirect_stdout(self._output)

    def __enter__(self) -> Self:
        self._redirection.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> bool:
        self._redirection.__exit__(None, None, None)
        printed = self._output.getvalue()
        print(printed, end="")  # noqa: T201 - on to the block's own output
        if error is not None and not isinstance(error, Exception):
            return False
        if error is not None:
            name = type(error).__name__
            shown = [f"{name}: {error}", name]
        elif self.value is not None:
            shown = [repr(self.value), str(self.value)]
        else:
            shown = [printed]
        if not any(is_as_expected(self._expected, one) for one in shown):
            what = f"foretold\n{self._expected}\nbut it is\n{shown[0]}"
            raise self._block.wrong(what, self._line) from error
        return True


class _Watcher(ast.NodeTransformer):
    """Puts every statement that has an expectation into the care of a `Foretold`."""

    def __init__(self, expected: Container[ast.stmt]) -> None:
        self._expected = expected

    def visit(self, node: ast.AST) -> ast.AST:
        """The node, or a `with` around it."""
        self.generic_visit(node)
        if not isinstance(node, ast.stmt) or node not in self._expected:
            return node
        body: ast.stmt = node
        if isinstance(node, ast.Expr):
            target = ast.Attribute(ast.Name(_SEEN, ast.Load()), "value", ast.Store())
            body = ast.Assign([target], node.value)
        call = ast.Call(ast.Name(_FORETELL, ast.Load()), [ast.Constant(node.lineno)], [])
        watch = ast.withitem(call, ast.Name(_SEEN, ast.Store()))
        return ast.copy_location(ast.With([watch], [ast.copy_location(body, node)]), node)


def _foretold(source: str, tree: ast.Module) -> dict[ast.stmt, str]:
    """Which statement each `# ->` comment speaks of: the one before it, the innermost.

    A comment on a line of its own speaks of the last statement that is not further indented.
    """
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    found: dict[ast.stmt, str] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        match = _ARROW.match(token.string) if token.type == tokenize.COMMENT else None
        if match is None:
            continue
        line, column = token.start
        is_alone = not token.line[:column].strip()
        before = [
            (statement.end_lineno or 0, statement.lineno, statement.col_offset, statement)
            for statement in statements
            if (statement.end_lineno or 0) <= line
            and (not is_alone or statement.col_offset <= column)
        ]
        if before:
            statement = max(before, key=itemgetter(0, 2))[3]
            told = found.get(statement)
            found[statement] = match["expected"] if told is None else f"{told}\n{match['expected']}"
    return found
