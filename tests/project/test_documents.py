import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from tests.project.documents import FILE, LANGUAGES, DocumentWrong, parse_blocks, run_python
from tests.project.files import ROOT, project_files
from tests.project.transcripts import Transcript

_DOCUMENTS = [
    file
    for file in project_files(".md")
    if file.parent == ROOT or file.is_relative_to(ROOT / "docs")
]


def run_document(file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every block of a document in order, in a folder of its own."""
    module = types.ModuleType("document")
    monkeypatch.setitem(sys.modules, "document", module)
    monkeypatch.chdir(folder)
    with asyncio.Runner() as runner, Transcript(folder) as transcript:
        for block in parse_blocks(file):
            if block.language.startswith(FILE):
                (folder / block.language.removeprefix(FILE)).write_text(block.text + "\n")
                continue
            match block.language:
                case "python" | "python-fragment":
                    run_python(block, module, runner)
                case "console" | "bash":
                    transcript.run(block)
                case "json":
                    json.loads(block.text)
                case "toml":
                    tomllib.loads(block.text)
                case language if language not in LANGUAGES:
                    raise block.wrong(f"no runner for a block of {language or 'no language'}")


def test_the_readme_is_among_the_documents() -> None:
    assert ROOT / "README.md" in _DOCUMENTS


def _cases() -> Iterator[ParameterSet]:
    """Documents with commands wait for the processes that those start."""
    for file in _DOCUMENTS:
        has_commands = re.search(r"(?m)^```(?:console|bash)", file.read_text())
        marks = [pytest.mark.programs] if has_commands else []
        yield pytest.param(file, id=str(file.relative_to(ROOT)), marks=marks)


@pytest.mark.parametrize("file", list(_cases()))
def test_every_block_of_the_documents_does_what_it_says(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_document(file, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    "text",
    [
        "```python\nx = 1 + 1\nx  # -> 2\n```",
        "```python\nx = 'a'\n```\nwords\n```python-fragment\nx * 2\n# -> 'aa'\n```",
        "```python\nprint('one')\nprint('two')\n```\n\n```text\none\n…\n```",
        "```python\nint('x')  # -> ValueError: invalid literal…\n```",
        "```python\nif True:\n    1  # -> 1\n    [\n        1,\n    ]\n    # -> [1]\n```",
        "```python\nimport asyncio as a\n```\n```python-fragment\nawait a.sleep(0, 7)  # -> 7\n```",
        "```console\n$ echo one two\none …\n$ true\n```",
        "```console\n$ N=5\n$ echo $N\n5\n```\n```bash\necho $N\n```\n```text\n5\n```",
        "```bash\ngit clone https://example.org/gatepass\ncd gatepass\nmake test\n```",
        "```bash\npip install 'gatepass[server]'\n```",
        "```python file=one.py\nprint('one')\n```\n```console\n$ python one.py\none\n```",
        '```json\n{"a": 1}\n```\n```toml\na = 1\n```\n```text\nanything\n```',
    ],
)
def test_a_true_document_passes(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "true.md"
    file.write_text(text)

    run_document(file, tmp_path, monkeypatch)


@pytest.mark.programs
def test_a_document_may_talk_to_a_server_and_log_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = (
        "curl -sS http://127.0.0.1:8000/auth/login -H 'Content-Type: application/json' "
        """-d '{"username":"admin","password":"'"$ADMIN_PASSWORD"'"}'"""
    )
    text = (
        "```console\n$ make serve\ngatepass serves http://127.0.0.1:8000 …\n```\n"
        f'```console\n$ {login}\n{{"access_token":"…","token_type":"Bearer",…}}\n'
        "$ curl -sS http://127.0.0.1:8000/healthz\n{…ok…}\n```"
    )
    file = tmp_path / "serving.md"
    file.write_text(text)

    run_document(file, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    "text",
    [
        "```python\n1 + 1  # -> 3\n```",
        "```python\nif True:\n    1 + 1  # -> 3\n    2 + 2  # -> 4\n```",
        "```python-fragment\nimport asyncio\n\nawait asyncio.sleep(0, 7)  # -> 8\n```",
        "```python\nprint('one')\n```\n```text\ntwo\n```",
        "```console\n$ echo one\ntwo\n```",
        "```console\n$ false\n```",
        "```console\nno command\n```",
        "```bash\nfalse\ntrue\n```",
        "```bash\npip install 'gatepass[nothing]'\n```",
        "```ruby\nputs 1\n```",
        "```\nno language\n```",
        "```python\nnever closed",
    ],
)
def test_a_false_document_is_found(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "false.md"
    file.write_text(text)

    with pytest.raises(DocumentWrong):
        run_document(file, tmp_path, monkeypatch)


@pytest.mark.parametrize("text", ["```python\n1 / 0\n```", "```json\n{]\n```"])
def test_a_block_that_fails_fails_its_document(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "failing.md"
    file.write_text(text)

    with pytest.raises((ZeroDivisionError, ValueError)):
        run_document(file, tmp_path, monkeypatch)


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="a copy without version control")
def test_the_clone_line_works_with_the_folder_of_the_repository(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    lines = (ROOT / "CONTRIBUTING.md").read_text().partition("```bash\n")[2].splitlines()
    subprocess.run(
        [bash, "-ec", "\n".join([*lines[:2], "make --dry-run test >made"])],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "REPOSITORY": str(ROOT)},
        check=True,
        capture_output=True,
    )

    assert lines[2:4] == ["make test", "```"]
    assert "pytest" in (tmp_path / "gatepass" / "made").read_text()
