"""Finds prose that is hard to read, in docstrings, comments and guides, by regular expressions."""

import ast
import inspect
import io
import re
import tokenize
from collections.abc import Iterator

_CODE = re.compile(r"`[^`]*`|^[ ]{4}[\w., ]+(?=:)", re.MULTILINE)
_FENCED = re.compile(r"^( *)(```|~~~).*?^\1\2 *$|\]\([^)]*\)", re.MULTILINE | re.DOTALL)
_START = re.compile(
    r"^(?:It|They|There)\b"
    r"|(?:^|[.:;]\s+|\n\n)(?:What|Whom?|Where|Whoever|Whose|Whatever)\b"
)
_HEADLESS = re.compile(
    r"\b(?:(?:what|whatever|whoever)"
    r"\s+(?:is|are|was|were|has|had|have|can|cannot|could|may|might|must|will|would|should|did|does)"
    r"|(?:of|for|by|to|with|from|at|on|or|than|only|says?|tells?)\s+(?:who|whoever))\b"
)
_BANNED = re.compile(
    r"\b(?:doors?|bells?|places?|seats?|lanes?|rooms?|neighbours?|mend(?:s|ed|ing)?|patien\w+"
    r"|believ\w+|asked|refuse[sd]?|refusing|log-(?:in|out)s?)\b",
    re.IGNORECASE,
)
_RAISES = re.compile(r"^Raises:\n((?:[ ]{4}.*\n?)+)", re.MULTILINE)
_CONDITION = re.compile(
    r"^[ ]{4}[\w., ]+:\s+(?:It|They|There (?:is|are|was|were) none|None|Nothing|One|That|Those)\b",
    re.MULTILINE,
)


def find_hard_words(source: str) -> Iterator[tuple[int, str]]:
    """The line of each docstring or comment that is hard to read, and the words."""
    for line, text in _docstrings(ast.parse(source)):
        plain = _CODE.sub("``", text)
        for pattern in (_START, _HEADLESS, _BANNED):
            for match in pattern.finditer(plain):
                yield line, match[0].strip()
        for raises in _RAISES.finditer(text):
            for match in _CONDITION.finditer(raises[1]):
                yield line, match[0].strip()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            for match in _BANNED.finditer(_CODE.sub("``", token.string)):
                yield token.start[0], match[0]


def find_banned_words(page: str) -> Iterator[str]:
    """The banned words of a page in Markdown, outside of its code and its links."""
    plain = _CODE.sub("``", _FENCED.sub("", page))
    return (match[0] for match in _BANNED.finditer(plain))


def _docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The texts that stand alone: docstrings of modules, classes, functions and attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield node.lineno, inspect.cleandoc(text)
