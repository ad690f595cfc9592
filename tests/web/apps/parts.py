"""What every application under test is made of: the same accounts, keys and policy."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from gatepass import AccessClaims
from gatepass.errors import PasswordRejected
from gatepass.events import Event
from gatepass.gate import ProxyGate
from gatepass.http import HttpPolicy, Identity, Limits
from gatepass.settings import HttpSettings, TokenSettings

PASSWORDS = {"ada": "correct horse battery", "grace": "staple lantern violet"}
CLAIMS: dict[str, dict[str, Any]] = {
    "ada": {"username": "ada", "role": "admin", "scope": "reports:read reports:write"},
    "grace": {"username": "grace", "role": "user", "scope": "reports:read"},
}
EVENTS = "events.log"
READER = ("reports:read",)
WRITER = ("reports:read", "reports:write")
FRESH_S = 300


encode = msgspec.json.encode


class Member(msgspec.Struct):
    """Typed claims, whose holder may change their values."""

    org: dict[str, Any]
    teams: list[Any]


def settings() -> TokenSettings:
    """Keys, lifetimes and the database of this process's environment."""
    return TokenSettings.from_env(os.environ)


def policy() -> HttpPolicy:
    """Cookies, origins and https of this process's environment."""
    return HttpSettings.from_env(os.environ).policy


def proxy_gate() -> ProxyGate | None:
    """The gate for nginx, where there is a proxy to trust."""
    headers = {"X-Auth-Role": "role", "X-Auth-Scope": "scope", "X-Auth-Team": "team"}
    return ProxyGate(dialect="nginx", headers=headers) if policy().trusted_proxies else None


def limits() -> Limits:
    """The limits of this process's environment."""
    return HttpSettings.from_env(os.environ).limits


def keep(event: Event) -> None:
    """Write an event into a file beside the program's log."""
    with Path(EVENTS).open("a") as file:
        file.write(f"{asdict(event)}\n")


def authenticate(username: str, password: str) -> Identity | None:
    """Accounts as an application might keep them."""
    if PASSWORDS.get(username) != password:
        return None
    return Identity(f"user-{username}", CLAIMS[username])


def change_password(subject: str, current: str, new: str) -> bool:
    """Keep another password; it is the new one already where an answer was lost."""
    username = subject.removeprefix("user-")
    if PASSWORDS[username] != current:
        return PASSWORDS[username] == new
    if len(new) < 8:
        raise PasswordRejected("a password has at least 8 characters")
    PASSWORDS[username] = new
    return True


def shown(claims: AccessClaims | None) -> bytes:
    """What the routes of all applications answer: whose token it was, and its nested claims."""
    if claims is None:
        return b'{"subject":null}'
    told: dict[str, Any] = {"subject": claims.subject}
    if "org" not in claims:
        return encode(told)
    member = claims.to(Member)
    text = encode(told | {"org": claims["org"], "typed": member})
    spoil(claims, member)
    return text


def spoil(claims: AccessClaims, member: Member) -> None:
    """Change everything that the claims hand out, which no other request may see."""
    for held in (dict(claims), msgspec.structs.asdict(member), claims.to(dict[str, Any])):
        held["org"]["id"].append("planted")
        held["org"]["planted"] = True
        held["teams"][0]["name"] = "planted"
        held["teams"].append("planted")
