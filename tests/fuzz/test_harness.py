"""The coverage-guided fuzzer, where atheris installs."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attacks.target import HEADER, claims, forged
from tests.budget import TIMES
from tests.jose.material import pem_of, private_jwk_of, private_key, public_jwk_of

ROOT = Path(__file__).resolve().parents[2]


def _seeds(folder: Path) -> None:
    """One good input per target, to start from."""
    key = private_key("ES256")
    seeds = [
        forged(claims()).encode(),
        b"\x80\x04AAAA",
        json.dumps(HEADER).encode(),
        json.dumps(claims()).encode(),
        json.dumps(public_jwk_of(key) | {"kid": "a", "key_ops": ["verify"]}).encode(),
        pem_of(key),
    ]
    for number, seed in enumerate(seeds):
        (folder / f"seed-{number}").write_bytes(bytes([number]) + seed)
    (folder / "seed-jwk").write_bytes(b"\4" + json.dumps(private_jwk_of(key)).encode())


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="atheris is not installed: pip install atheris, where it has a wheel",
)
def test_coverage_guided_fuzzer_finds_nothing(budget: str, tmp_path: Path) -> None:
    _seeds(tmp_path)
    limit = "-runs=2000" if budget == "briefly" else f"-runs={50_000 * TIMES}"

    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz.harness", str(tmp_path), limit),
            *("-max_len=4096", "-timeout=250", f"-artifact_prefix={tmp_path}/"),
        ],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if "COV" not in name},
        capture_output=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr.decode(errors="replace")[-3000:]
    assert b"Done" in done.stderr
