"""Commands of the documents can be pasted into zsh, the shell of macOS, as into bash."""

import re
from collections.abc import Iterator

import pytest

from tests.project.documents import parse_blocks
from tests.project.files import ROOT, project_files
from tests.project.transcripts import parse_console

_GLOB = re.compile(r"^#|^=|[][*?]")
"""Begins a comment in bash, and words in zsh; or names files, and zsh fails if there are none."""
_QUOTED = re.compile(r"""'[^']*'|"(?:[^"\\]|\\.)*"|\\.|\$[?*#@!]""", re.DOTALL)


def surprises(command: str) -> list[str]:
    """The words that an interactive zsh takes in another way than bash."""
    bare = _QUOTED.sub("Q", command)
    return [word for word in re.split(r"[\s;|&()<>]+", bare) if _GLOB.search(word)]


def commands() -> Iterator[tuple[str, str]]:
    for file in project_files(".md"):
        if file.parent != ROOT and not file.is_relative_to(ROOT / "docs"):
            continue
        for block in parse_blocks(file):
            where = f"{file.name}:{block.line}"
            if block.language == "bash":
                yield where, block.text
            elif block.language == "console":
                yield from ((where, command) for _, command, _ in parse_console(block))


def test_no_command_of_the_documents_means_something_else_in_zsh() -> None:
    found = {where: surprises(command) for where, command in commands()}

    assert len(found) > 10
    assert not {where: words for where, words in found.items() if words}


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("make serve   # a server", ["#"]),
        ("# a comment", ["#"]),
        ("pip install gatepass[fastapi]", ["gatepass[fastapi]"]),
        ("curl http://a.example/?b=1", ["http://a.example/?b=1"]),
        ("pip install './gatepass[fastapi]' \"a # b\"; echo $? $#", []),
        ("A=1 make test PORT=2 | tail -n +1 >a#b", []),
    ],
)
def test_a_word_that_means_something_else_in_zsh_is_found(command: str, words: list[str]) -> None:
    assert surprises(command) == words
