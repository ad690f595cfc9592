"""Rings that have come some way, and the times of their steps."""

import json
from functools import cache
from pathlib import Path

from gatepass.jose import SigningKey
from gatepass.keyfile import KeyFile, Ring

NOW = 1_800_000_000
LIFETIME = 900
KNOWN = 360
"""Seconds from publishing to promoting."""
GONE = LIFETIME + 180
"""Seconds from retiring to removing."""


@cache
def key(number: int) -> SigningKey:
    """A key; another number is another key."""
    del number
    return SigningKey.generate("ES256")


def kid(number: int) -> str:
    return key(number).kid or ""


def first() -> Ring:
    """A key that signs."""
    return Ring().generate(key(0), lifetime_s=LIFETIME, now=NOW)


def announced() -> Ring:
    """And one that will."""
    ring = first().generate(key(1), lifetime_s=LIFETIME, now=NOW)
    return ring.publish(kid(1), now=NOW)


def rotated() -> Ring:
    """The second signs, the first is retired."""
    return announced().promote(kid(1), now=NOW + KNOWN)


def keep(file: KeyFile, ring: Ring) -> None:
    """Put a ring into a file."""
    file.change(lambda _: ring)


def age(path: Path, seconds: int) -> None:
    """Let that much time have passed since every step that is in a file."""
    document = json.loads(path.read_text())
    for entry in document["keys"]:
        for name in ("created_at", "published_at", "promoted_at", "retired_at"):
            if entry[name] is not None:
                entry[name] -= seconds
    aside = path.with_name("aged")
    aside.touch(0o600)
    aside.write_text(json.dumps(document))
    aside.replace(path)
