"""Variables that look like ours and are read by nothing: a misspelt one changes nothing."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final

_PREFIX: Final = "GATEPASS_"
KNOWN: Final = frozenset(
    _PREFIX + name
    for name in (
        "ALLOWED_ORIGINS",
        "AUTH",
        "CLAIMS",
        "COOKIE_DOMAIN",
        "COOKIE_SAMESITE",
        "CSRF_SECRET",
        "CSRF_SECRET_PREVIOUS",
        "DOCS",
        "DRAIN_SECONDS",
        "ENV",
        "HOST",
        "KEEP_ALIVE_SECONDS",
        "KEY_FILE",
        "MAX_STALENESS",
        "MOUNT_PREFIX",
        "PORT",
        "PUBLIC_ORIGINS",
        "TRUSTED_PROXIES",
        "WHEN_STALE",
        "WORKERS",
    )
)
"""All variables that gatepass reads; two of them are settings of Django projects."""
_OF_OTHERS: Final = re.compile(
    r"GATEPASS_(?:(?:TEST|CHAOS)_\w+|SERVICE_(?:HOST|PORT)\w*|PORT_\d+_(?:TCP|UDP)\w*)"
)
"""Our tests' own, and those that Kubernetes sets in every pod beside a service of our name."""


def misspelt(environ: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each variable that nothing reads: its name, and never its value."""
    for name in sorted(environ):
        if not name.upper().startswith(_PREFIX) or not environ[name]:
            continue
        if name in KNOWN or _OF_OTHERS.fullmatch(name):
            continue
        near = get_close_matches(name.upper(), KNOWN, n=1, cutoff=0.75)
        hint = f": did you mean {near[0]}?" if near else ""
        yield f"{name} is set, and nothing reads it{hint}"
