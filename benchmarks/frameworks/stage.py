"""What all applications share: one secret, one session, and the tokens of every maker."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.scene import AUDIENCE, ISSUER, SUBJECT
from gatepass import TokenManager, TokenPolicy
from gatepass.jose import SharedKey
from gatepass.stores.sql import SqlStore

BASE: Final = "unprotected"
GATEPASS: Final = "gatepass"
BODY: Final = b'{"ok":true}'
SECRET: Final = secrets.token_urlsafe(48)
OWN: Final = {"username": "ada", "email": "ada@example.org", "role": "admin"}
REVOKED: Final = frozenset(secrets.token_hex(16) for _ in range(1000))
"""Ids that the peers' denylists hold."""


@dataclass(frozen=True, slots=True)
class App:
    """One application and the token that its protected route takes."""

    call: Callable[..., Any]
    token: str = field(default="", repr=False)
    is_asgi: bool = False
    is_open: bool = False
    """It answers without a token: what the others are measured against."""


@dataclass(frozen=True, slots=True)
class Stage:
    """gatepass's database with live and revoked sessions, and a token of a live one."""

    url: str
    policy: TokenPolicy
    access_key: SharedKey
    refresh_key: SharedKey
    token: str = field(repr=False)


def make_stage(folder: Path) -> Stage:
    """A database in a folder, with a session that lives and many that do not."""
    url = f"sqlite:///{folder / 'bench.db'}"
    policy = TokenPolicy(
        issuer=ISSUER, audience=AUDIENCE, access_lifetime=86_400, max_sessions=1000
    )
    access, refresh = SharedKey.from_secret(SECRET), SharedKey.generate()
    store = SqlStore.from_url(url)
    with TokenManager(policy, access_keys=access, refresh_keys=refresh, store=store) as manager:
        for _ in range(100):
            manager.revoke_session(manager.issue("somebody", OWN).session_id)
        token = manager.issue(SUBJECT, OWN).access_token
    return Stage(url, policy, access, refresh, token)


def peers_claims(**own: Any) -> dict[str, Any]:
    """The claims that peers sign by hand."""
    now = int(time.time())
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": SUBJECT,
        "iat": now,
        "exp": now + 86_400,
        "jti": secrets.token_hex(16),
        **OWN,
        **own,
    }
