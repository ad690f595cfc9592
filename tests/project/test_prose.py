"""The rules for plain words that a few regular expressions can check."""

import pytest

from tests.project.files import ROOT, SOURCE, SOURCES, project_files
from tests.project.prose import find_banned_words, find_hard_words


def test_docstrings_and_comments_use_plain_words() -> None:
    found = [
        f"{file.relative_to(SOURCE)}:{line}: {words}"
        for file in SOURCES
        for line, words in find_hard_words(file.read_text())
    ]

    assert found == []


def test_guides_use_plain_words() -> None:
    guides = ROOT / "docs"
    # Decisions keep the words of their time; `make chaos` writes the other.
    others = {guides / "decisions", guides / "chaos.md"}

    found = [
        f"{file.relative_to(ROOT)}: {words}"
        for file in project_files(".md")
        if file.is_relative_to(guides) and not others & {file, file.parent}
        for words in find_banned_words(file.read_text())
    ]

    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        '"""What a client receives."""',
        '"""Who is logged in, if anybody."""',
        '"""Where the keys are."""',
        '"""A row. Whoever holds it may write."""',
        '"""The text of what is signed."""',
        '"""A name for who logs in."""',
        '"""A claim that is refused."""',
        '"""The `store` is asked first."""',
        '"""A log-in that failed."""',
        '"""A connection.\n\nRaises:\n    E: A row was damaged.\n    E: It is not.\n"""',
        '"""A connection.\n\nRaises:\n    E: There is none, or it is not.\n"""',
        'KEY = 1\n"""What signs."""',
        "x = 1  # the bell rings",
    ],
)
def test_hard_words_are_found(text: str) -> None:
    assert list(find_hard_words(text))


@pytest.mark.parametrize(
    "text",
    [
        '"""The claims of a user who logged in."""',
        '"""Whether the token was rejected, as `asked` says."""',
        '"""A connection.\n\nRaises:\n    E: The row was damaged, or it is not ours.\n"""',
        '"""A token.\n\nRaises:\n    Refused: The token is missing.\n"""',
        "door = 'What is refused'",
    ],
)
def test_plain_words_pass(text: str) -> None:
    assert list(find_hard_words(text)) == []
