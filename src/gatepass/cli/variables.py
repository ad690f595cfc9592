"""Variables that look like ours and are read by nothing: a misspelt one changes nothing.

Kubernetes sets variables in every pod for each Service: `GATEPASS_PORT=tcp://10.96.14.7:8000` and
more for one that is named gatepass. They are none of ours.
"""

import re
from collections.abc import Iterator, Mapping, MutableMapping
from difflib import get_close_matches
from typing import Final

from gatepass._secret_files import END, NAMES

_PREFIX: Final = "GATEPASS_"
KNOWN: Final = frozenset(
    _PREFIX + name
    for name in (
        "ACCOUNT_LIMIT",
        "ALLOWED_ORIGINS",
        "AUTH",
        "CLAIMS",
        "COOKIE_DOMAIN",
        "COOKIE_SAMESITE",
        "CSRF_SECRET",
        "CSRF_SECRET_PREVIOUS",
        "DEVICE_LIMIT",
        "DOCS",
        "DRAIN_SECONDS",
        "ENV",
        "EVENTS_LOG",
        "EVENT_DAYS",
        "HOST",
        "KEEP_ALIVE_SECONDS",
        "KEY_FILE",
        "LOGIN_LIMIT",
        "LOG_LEVEL",
        "MAX_STALENESS",
        "METRICS_HOST",
        "METRICS_PORT",
        "MOUNT_PREFIX",
        "PORT",
        "PROXY_GATE",
        "PROXY_HEADERS",
        "PROXY_TOKEN_AUDIENCE",
        "PROXY_TOKEN_SECRET",
        "PUBLIC_ORIGINS",
        "TRUSTED_PROXIES",
        "WHEN_STALE",
        "WORKERS",
    )
)
"""All variables of this prefix that gatepass reads; two are settings of Django projects."""
_OF_TOKENS: Final = frozenset(
    f"JWT_{name}"
    for name in (
        "ACCESS_LIFETIME",
        "ACCESS_SECRET",
        "ACCESS_SECRET_PREVIOUS",
        "ALLOWED_VALUES",
        "AUDIENCE",
        "CLIENT_ID",
        "ISSUER",
        "LEEWAY",
        "LEGACY_KIND",
        "LEGACY_SECRET",
        "LEGACY_UNTIL",
        "MAX_SESSIONS",
        "REFRESH_LIFETIME",
        "REFRESH_SECRET",
        "REFRESH_SECRET_PREVIOUS",
        "REQUIRED_CLAIMS",
        "ROTATION_LEEWAY",
        "SESSION_LIFETIME",
    )
)
"""Other programs have variables with `JWT_` too: only a name that is close to one is told."""
_READ: Final = KNOWN | _OF_TOKENS | {name + END for name in NAMES}
_QUIET: Final = _READ | {"JWT_SECRET", "JWT_PREVIOUS_SECRET"}
"""The settings have sentences of their own about these two."""
_OF_OTHERS: Final = re.compile(
    r"GATEPASS_(?:(?:TEST|CHAOS|WATCH)_\w+|(?:\w+_)?(?:SERVICE_(?:HOST|PORT)\w*|PORT_\d+_[A-Z]+\w*))"
)
"""Our tests' own, and those of Kubernetes for a Service whose name begins with ours."""
_OF_KUBERNETES: Final = re.compile(r"(?:tcp|udp|sctp)://\S+:\d+")


def drop_services(environ: MutableMapping[str, str]) -> None:
    """Remove variables of ours that Kubernetes set for a Service, as `GATEPASS_PORT`."""
    for name in KNOWN:
        if _OF_KUBERNETES.fullmatch(environ.get(name, "")):
            del environ[name]


def misspelt(environ: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each variable that nothing reads: its name, and never its value."""
    for name in sorted(environ):
        is_ours = name.upper().startswith(_PREFIX)
        if not environ[name] or not (is_ours or name.upper().startswith("JWT_")):
            continue
        if name in _QUIET or _OF_OTHERS.fullmatch(name) or _OF_KUBERNETES.fullmatch(environ[name]):
            continue
        near = get_close_matches(name.upper(), _READ, n=1, cutoff=0.75 if is_ours else 0.85)
        hint = f": did you mean {near[0]}?" if near else ""
        if is_ours or near:
            yield f"{name} is set, and nothing reads it{hint}"
