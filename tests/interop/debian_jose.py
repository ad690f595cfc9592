"""Debian's `jose`, a program in C."""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.interop.libraries import ES, HS, PS, RS, Forms, Key, Missing, Refused


class DebianJose:
    """The command `jose` of the package of that name."""

    name = "jose (C)"
    algorithms = (*HS, *RS, *PS, *ES)
    forms = ("JWK", "JWKS")

    def version(self) -> str:
        if shutil.which("jose") is None:
            raise Missing("jose is not installed: make interop installs it for root")
        shown = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Version}", "jose"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        found = re.match(r"[\d.]+", shown)
        return found[0] if found else "unknown"

    def make(self, algorithm: str) -> Forms:
        jwk = json.loads(_run("jwk", "gen", "-i", json.dumps({"alg": algorithm})))
        public = json.loads(_run("jwk", "pub", "-i", "-", stdin=json.dumps(jwk)))
        kid = _run("jwk", "thp", "-i", "-", "-a", "S256", stdin=json.dumps(public)).strip()
        jwk["kid"] = public["kid"] = kid
        return {"JWK": (jwk, public), "JWKS": (jwk, {"keys": [public]})}

    def sign(
        self, algorithm: str, form: str, key: Key, claims: Mapping[str, Any], kid: str | None
    ) -> str:
        del form
        protected = {"alg": algorithm} if kid is None else {"alg": algorithm, "kid": kid}
        template = json.dumps({"protected": protected})
        with tempfile.TemporaryDirectory() as folder:
            payload, keys = Path(folder, "payload"), Path(folder, "key.jwk")
            payload.write_text(json.dumps(claims))
            keys.write_text(json.dumps(key))
            return _run(
                "jws", "sig", "-I", str(payload), "-k", str(keys), "-s", template, "-c", "-o", "-"
            ).strip()

    def verify(self, algorithm: str, form: str, key: Key, token: str) -> Mapping[str, Any]:
        del algorithm, form
        with tempfile.TemporaryDirectory() as folder:
            compact, keys = Path(folder, "token"), Path(folder, "keys.jwk")
            compact.write_text(token)
            keys.write_text(json.dumps(key))
            claims: Mapping[str, Any] = json.loads(
                _run("jws", "ver", "-i", str(compact), "-k", str(keys), "-O", "-")
            )
            return claims


def _run(*arguments: str, stdin: str = "") -> str:
    done = subprocess.run(
        ["jose", *arguments], input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Refused(done.stderr.strip())
    return done.stdout
