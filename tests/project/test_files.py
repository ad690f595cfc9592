import re
from pathlib import Path

import pytest

from tests.project.files import ROOT, SOURCE, SOURCES, project_files

LINES = 300
PRAGMAS = 5
_PYTHON = [
    file
    for file in project_files(".py")
    if file.relative_to(ROOT).parts[0] in {"src", "tests", "benchmarks"}
]
_PRAGMA = re.compile(r"#\s*pragma: no (?:cover|branch)(?P<reason>.*)")
# Put together here, so that this file does not contain what it looks for.
_FORBIDDEN = {
    "a registry's host": r"(?i)\b(?:"
    + "|".join(("py" + "pi", "python" + "hosted", "npm" + "js"))
    + r")\.(?:org|com)\b",
    "a machine's path": r"(?<![\w.~}])/(?:"
    + "|".join(("ro" + "ot", "ho" + "me", "wo" + "rk", "o" + "pt", "Us" + "ers"))
    + r")/",
    "an issue's number": r"(?i)\bissue\s*#?\d+\b|(?<!PKCS)(?<!PKCS )(?<![\w&#/'\"(])#\d+\b(?!;)",
    "a document that is not in the project": r"\.\./shared(?!/vectors)",
    "a note to do something": r"\bTO" + r"DO\b|\bFIX" + r"ME\b",
}


def _id(file: Path) -> str:
    return str(file.relative_to(ROOT))


def test_no_source_file_is_over_300_lines() -> None:
    assert [_id(file) for file in _PYTHON if len(file.read_text().splitlines()) > LINES] == []


def test_every_module_opens_with_a_docstring() -> None:
    assert [_id(file) for file in SOURCES if not file.read_text().startswith('"""')] == []


def test_at_most_five_lines_are_left_out_of_coverage_each_with_its_reason() -> None:
    found = [
        (_id(file), match["reason"].strip(" -:"))
        for file in SOURCES
        for match in _PRAGMA.finditer(file.read_text())
    ]

    assert len(found) <= PRAGMAS
    assert [file for file, reason in found if not reason] == []


@pytest.mark.parametrize("what", _FORBIDDEN)
def test_the_repository_speaks_of_the_project_alone(what: str) -> None:
    pattern = re.compile(_FORBIDDEN[what])
    found = []
    for file in project_files():
        try:
            text = file.read_text()
        except UnicodeDecodeError:
            continue
        found += [
            f"{_id(file)}:{number}"
            for number, line in enumerate(text.splitlines(), start=1)
            if pattern.search(line)
        ]

    assert found == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a registry's host", "see https://py" + "pi.org/project/x"),
        ("a machine's path", "cd /ro" + "ot/project"),
        ("an issue's number", "as in issue " + "7"),
        ("an issue's number", "see #" + "12 for why"),
        ("a document that is not in the project", "read ../sha" + "red/plan.md"),
        ("a note to do something", "# TO" + "DO later"),
    ],
)
def test_a_planted_word_is_found(what: str, text: str) -> None:
    assert re.search(_FORBIDDEN[what], text)


def test_the_package_says_that_it_is_typed() -> None:
    assert (SOURCE / "gatepass" / "py.typed").read_text() == ""
