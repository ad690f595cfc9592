"""What a row can name: tokens of every kind, made beside the program over the same database."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from secrets import token_bytes
from typing import Any, Final
from urllib.parse import quote_plus

from argon2 import PasswordHasher

from gatepass import TokenManager, TokenPair, TokenPolicy
from gatepass.http import CSRF_PURPOSE, csrf_token
from gatepass.jose import KeySet, SharedKey, sign, verify
from gatepass.passwords import Passwords
from gatepass.server.accounts import Accounts
from gatepass.stores.sql import SqlStore
from gatepass.tokens.opaque import ACCESS_PREFIX, new_text
from tests.server.running import free_port
from tests.web.api_keys import KEY_VALUES
from tests.web.apps.parts import CLAIMS, PASSWORDS
from tests.web.forging import forged
from tests.web.patterns import ORIGINS, PATTERNS, TOKENS
from tests.web.target import Target

ACCESS_SECRET: Final = "vT4mQ8xZ2pLw7RkJ9sYcD3fHbN6gUe1a"
REFRESH_SECRET: Final = "Kq5WzX1rB8nEo3TjM7uPyV2hGdS9cLf6"
PREVIOUS_SECRET: Final = "e7RwQ2tY9uIo4pAs6dFg1hJk8lZx3cVb"
_POLICY: Final = TokenPolicy(issuer="api-server", audience="api-client")
_HOUR: Final = 3600.0
_MONTH: Final = 31 * 86_400.0


@dataclass
class Stage:
    """One program's surroundings in one variant, and the values of the row under way."""

    folder: Path
    target: Target
    variant: str
    values: dict[str, str] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)
    """Every token and password that was sent or answered, and every name that is no account."""
    metrics_port: int = field(default_factory=free_port)
    """Of `gatepass serve`; an application has a route."""
    store: SqlStore = field(init=False)
    subjects: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.store = SqlStore.from_url(f"sqlite:///{self.database}")
        self.store.upgrade()
        self.subjects = {name: f"user-{name}" for name in PASSWORDS}
        if not self.target.has_routes:
            hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
            accounts = Accounts(self.store.engine, Passwords(hasher))
            for name, password in PASSWORDS.items():
                role = str(CLAIMS[name]["role"])
                self.subjects[name] = accounts.add(name, password, role=role).subject

    @property
    def database(self) -> Path:
        """The file that the program and the test share."""
        return self.folder / "gate.db"

    def plays(self, variant: str) -> bool:
        """Whether a row of this variant is played here: opaque tokens change no answer."""
        return variant == self.variant or (self.variant, variant) == ("opaque", "development")

    @property
    def access_format(self) -> str:
        """The form of the program's access tokens."""
        return "opaque" if self.variant == "opaque" else "jwt"

    @property
    def environ(self) -> dict[str, str]:
        """The variables of the program."""
        strict = {
            "GATEPASS_ENV": "production",
            "GATEPASS_TRUSTED_PROXIES": "127.0.0.1",
            "GATEPASS_PROXY_GATE": "nginx",
            "GATEPASS_PROXY_HEADERS": "X-Auth-Role=role,X-Auth-Scope=scope,X-Auth-Team=team",
        }
        return {
            "JWT_ACCESS_SECRET": ACCESS_SECRET,
            "JWT_REFRESH_SECRET": REFRESH_SECRET,
            "JWT_REFRESH_SECRET_PREVIOUS": PREVIOUS_SECRET,
            "DATABASE_URL": f"sqlite:///{self.database}",
            "GATEPASS_PUBLIC_ORIGINS": ORIGINS[self.variant],
            "GATEPASS_ALLOWED_ORIGINS": "https://spa.example",
            "GATEPASS_LOGIN_LIMIT": "10000/minute",
            "GATEPASS_EVENTS_LOG": "json",
            "JWT_ACCESS_FORMAT": self.access_format,
            **({} if self.target.has_routes else {"GATEPASS_METRICS_PORT": str(self.metrics_port)}),
            **(strict if self.variant == "production" else {}),
        }

    def begin(self) -> None:
        """Forget the values of the row before."""
        self.values.clear()

    def answered(self, body: bytes) -> None:
        """Remember the members of an answer to a call that came first."""
        members = json.loads(body) if body.startswith(b"{") else {}
        self.values |= {f"answer.{name}": str(value) for name, value in members.items()}

    def saw(self, text: str) -> None:
        """Remember what no event, metric or span may hold; of a token also its signature."""
        for token in re.findall(r"[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}", text):
            self.secrets |= {token, token.rpartition(".")[2]}
        self.secrets |= set(re.findall(TOKENS["opaque"], text))
        for kind, value in re.findall(r'"(username|password|csrf_token)":"([^"]{6,})"', text):
            if kind != "username" or value not in PASSWORDS:
                self.secrets.add(value)

    def fill(self, text: str) -> str:
        """The text with all values in their places."""
        return re.sub(r"<([\w.]+)>", lambda match: self.value(match[1]), text)

    def pattern(self, text: str) -> re.Pattern[str]:
        """What a wanted text matches."""
        parts = re.split(r"<([\w.]+)>", text)
        patterns = PATTERNS | {"token": TOKENS[self.access_format]}
        pieces = [
            re.escape(part) if at % 2 == 0 else patterns.get(part) or re.escape(self.value(part))
            for at, part in enumerate(parts)
        ]
        return re.compile("".join(pieces), re.DOTALL)

    def value(self, name: str) -> str:
        """A value of the row under way, made when it is first named."""
        if name not in self.values:
            making = _PAIRS.get(name)
            if making is not None:
                self._keep(*making(self))
            else:
                self.values[name] = _VALUES[name](self)
        return self.values[name]

    def issue(
        self,
        who: str = "ada",
        *,
        ago: float = 0,
        actor: str | None = None,
        more: dict[str, Any] | None = None,
    ) -> TokenPair:
        """A session of somebody who logged in some seconds ago, or of who acts as them."""
        how = {} if actor is None else {"act": {"sub": self.subjects[actor]}}
        subject = self.subjects.get(who, who)
        claims = CLAIMS.get(who, {}) | (more or {})
        return self.manager(ago).issue(subject, claims, session_claims=how)

    def manager(self, ago: float = 0, *, access_format: str | None = None) -> TokenManager:
        """A manager like the program's, with a clock that is behind, as its store's is."""
        clock = lambda: time.time() - ago  # noqa: E731 - for both
        return TokenManager(
            replace(_POLICY, access_format=access_format or self.access_format),
            access_keys=SharedKey.from_secret(ACCESS_SECRET),
            refresh_keys=KeySet(
                SharedKey.from_secret(REFRESH_SECRET), SharedKey.from_secret(PREVIOUS_SECRET)
            ),
            store=SqlStore(self.store.engine, clock=clock) if ago else self.store,
            now=clock,
        )

    def csrf(self, session_id: str, secret: str = REFRESH_SECRET) -> str:
        """The CSRF token of a session under a refresh secret."""
        return csrf_token(SharedKey.from_secret(secret).derive(CSRF_PURPOSE), session_id)

    def changed(self, token: str, secret: str = ACCESS_SECRET, **claims: Any) -> str:
        """A token with other claims, signed all the same."""
        key = SharedKey.from_secret(secret)
        typ = "at+jwt" if secret == ACCESS_SECRET else "rt+jwt"
        return sign(json.loads(verify(token, key).payload) | claims, key, typ=typ)

    def _keep(self, pair: TokenPair, names: dict[str, str]) -> None:
        for attribute, name in names.items():
            self.values.setdefault(name, getattr(pair, attribute))


def _pair(
    issue: Callable[[Stage], TokenPair], access: str, refresh: str, session: str
) -> dict[str, Callable[[Stage], tuple[TokenPair, dict[str, str]]]]:
    names = {"access_token": access, "refresh_token": refresh, "session_id": session}
    return dict.fromkeys(names.values(), lambda stage: (issue(stage), names))


def _revoked(by: str) -> Callable[[Stage], TokenPair]:
    def issue(stage: Stage) -> TokenPair:
        pair = stage.issue("somebody-else" if by == "subject" else "ada")
        manager = stage.manager()
        if by == "token":
            manager.revoke_token(manager.verify(pair.access_token))
        elif by == "session":
            manager.revoke_session(pair.session_id)
        else:
            manager.revoke_subject("somebody-else")
        return pair

    return issue


def _expired_and_revoked(stage: Stage) -> TokenPair:
    pair = stage.issue(ago=_HOUR)
    stage.manager().revoke_session(pair.session_id)
    return pair


def _alone(stage: Stage) -> TokenPair:
    stage.manager().revoke_subject(stage.subjects["ada"])
    return stage.issue()


def _reused(stage: Stage) -> str:
    """A refresh token whose successor was used, and whose time is over."""
    pair = stage.issue()
    policy = TokenPolicy(issuer="api-server", audience="api-client", rotation_leeway=timedelta())
    manager = TokenManager(
        policy,
        access_keys=SharedKey.from_secret(ACCESS_SECRET),
        refresh_keys=SharedKey.from_secret(REFRESH_SECRET),
        store=SqlStore(stage.store.engine, clock=lambda: time.time() - _HOUR),
    )
    manager.refresh(manager.refresh(pair.refresh_token).refresh_token)
    return pair.refresh_token


_PAIRS: Final = {
    **_pair(lambda stage: stage.issue(), "access", "refresh", "session_of_access"),
    **_pair(lambda stage: stage.issue(), "second", "second_refresh", "second_session"),
    **_pair(lambda stage: stage.issue("grace"), "grace", "grace_refresh", "session_of_grace"),
    **_pair(
        lambda stage: stage.issue(ago=_HOUR),
        "expired",
        "expired_pair_refresh",
        "session_of_expired",
    ),
    **_pair(_alone, "alone", "alone_refresh", "session"),
    **_pair(lambda stage: stage.issue(actor="grace"), "actor", "actor_refresh", "actors_session"),
    **_pair(_revoked("token"), "revoked_token", "-", "-"),
    **_pair(_revoked("session"), "revoked_session", "revoked_refresh", "session_of_revoked"),
    **_pair(_revoked("subject"), "revoked_subject", "-", "-"),
    **_pair(_expired_and_revoked, "expired_revoked", "-", "-"),
    **_pair(lambda stage: stage.issue(ago=_HOUR), "old", "old_refresh", "-"),
}

_MEMBER: Final = {"org": {"id": [1]}, "teams": [{"name": "red"}]}
_VALUES: Final[dict[str, Callable[[Stage], str]]] = {
    "A": lambda stage: _cookie(stage, "__Host-gatepass-access"),
    "R": lambda stage: _cookie(stage, "__Secure-gatepass-refresh"),
    "C": lambda stage: _cookie(stage, "__Host-gatepass-csrf"),
    "D": lambda stage: _cookie(stage, "__Host-gatepass-device"),
    "secure": lambda stage: "; Secure" if stage.variant == "production" else "",
    "origin": lambda stage: ORIGINS[stage.variant],
    "other_scheme": lambda stage: ORIGINS[stage.variant].replace("://", "s://").replace("ss:", ":"),
    "subject": lambda stage: stage.subjects["ada"],
    "password": lambda _: PASSWORDS["ada"],
    "new_password": lambda _: PASSWORDS["ada"] + " staple",
    "form_password": lambda _: quote_plus(PASSWORDS["ada"]),
    "other_password": lambda _: PASSWORDS["grace"],
    "cut": lambda stage: stage.value("access")[:-1],
    "jwt_access": lambda stage: (
        stage.manager(access_format="jwt").issue(stage.subjects["ada"]).access_token
    ),
    "unknown": lambda stage: new_text(ACCESS_PREFIX, stage.subjects["ada"], token_bytes(32)),
    "forged": lambda stage: (
        forged(stage.value("access"), ACCESS_SECRET, "at+jwt")
        if stage.access_format == "jwt"
        else stage.value("access")[:-1] + ("1" if stage.value("access")[-1] == "0" else "0")
    ),
    "wrong_type": lambda stage: forged(stage.value("jwt_access"), ACCESS_SECRET, "JWT", same=True),
    "wrong_audience": lambda stage: stage.changed(stage.value("jwt_access"), aud="other"),
    "wrong_issuer": lambda stage: stage.changed(stage.value("jwt_access"), iss="other"),
    "member": lambda stage: stage.issue(more=_MEMBER).access_token,
    "stale": lambda stage: stage.issue(ago=301).access_token,
    "forged_refresh": lambda stage: forged(stage.value("refresh"), REFRESH_SECRET, "rt+jwt"),
    "unknown_refresh": lambda stage: stage.changed(
        stage.value("refresh"), REFRESH_SECRET, sid="00" * 17
    ),
    "expired_refresh": lambda stage: stage.changed(
        stage.value("refresh"), REFRESH_SECRET, exp=int(time.time() - 1)
    ),
    "reused_refresh": _reused,
    **KEY_VALUES,
    "csrf_of_session": lambda stage: stage.csrf(stage.value("session_of_access")),
    "csrf_of_grace": lambda stage: stage.csrf(stage.value("session_of_grace")),
    "csrf_of_expired": lambda stage: stage.csrf(stage.value("session_of_expired")),
    "csrf_of_revoked": lambda stage: stage.csrf(stage.value("session_of_revoked")),
    "csrf_under_previous": lambda stage: stage.csrf(
        stage.value("session_of_access"), PREVIOUS_SECRET
    ),
}


def _cookie(stage: Stage, name: str) -> str:
    return name if stage.variant == "production" else name.rpartition("__")[2].partition("-")[2]
