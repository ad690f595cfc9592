"""Which files the project consists of."""

import shutil
import subprocess
from pathlib import Path

ROOT: Path = Path(__file__).resolve().parents[2]
SOURCE: Path = ROOT / "src"
_NOT_OURS = frozenset({".git", ".venv", "node_modules"})


def project_files(*suffixes: str) -> list[Path]:
    """The files git knows or would take, without git all; with one of the suffixes, if any."""
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        listed = subprocess.run(
            [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split("\0")
        files = [ROOT / name for name in listed if name]
    else:
        files = [p for p in ROOT.rglob("*") if not _NOT_OURS & set(p.relative_to(ROOT).parts)]
    return sorted(
        file for file in files if file.is_file() and (not suffixes or file.suffix in suffixes)
    )


def module_name(file: Path) -> str:
    """The dotted name of a file below `src`."""
    parts = list(file.relative_to(SOURCE).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


SOURCES: list[Path] = [file for file in project_files(".py") if file.is_relative_to(SOURCE)]
