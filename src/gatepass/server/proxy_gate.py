"""The settings of the gate for proxies."""

from collections.abc import Mapping
from typing import Any, Final

from gatepass.errors import KeyRejected, SettingsRejected
from gatepass.gate import InternalToken, ProxyGate
from gatepass.http import HttpPolicy
from gatepass.jose import SharedKey
from gatepass.settings import TokenSettings

_DIALECT: Final = "GATEPASS_PROXY_GATE"
_HEADERS: Final = "GATEPASS_PROXY_HEADERS"
_SECRET: Final = "GATEPASS_PROXY_TOKEN_SECRET"  # noqa: S105 - a variable's name
_AUDIENCE: Final = "GATEPASS_PROXY_TOKEN_AUDIENCE"


def read_proxy_gate(
    environ: Mapping[str, str], tokens: TokenSettings, http: HttpPolicy
) -> ProxyGate | None:
    """The environment's gate for proxies; `None` by default.

    Raises:
        SettingsRejected: A variable is out of bounds, or is set without one that it needs.
    """
    dialect: Any = environ.get(_DIALECT)
    secret, audience = environ.get(_SECRET), environ.get(_AUDIENCE)
    if not dialect:
        for name in (_HEADERS, _SECRET, _AUDIENCE):
            if environ.get(name):
                raise SettingsRejected(f"{name} is set without {_DIALECT}, nginx or caddy")
        return None
    if len([each for each in (secret, audience) if each]) == 1:
        raise SettingsRejected(f"{_SECRET} and {_AUDIENCE} are set together")
    token = InternalToken(keys=_key(secret), audience=audience) if secret and audience else None
    headers = _read_headers(environ.get(_HEADERS) or "")
    try:
        gate = ProxyGate(dialect=dialect, headers=headers, token=token)
        theirs = (tokens.access_keys, tokens.refresh_keys, *tokens.legacy_keys)
        gate.require_usable(tokens.policy, theirs, http)
    except SettingsRejected as error:
        raise SettingsRejected(f"{_DIALECT}: {error}") from None
    return gate


def _read_headers(text: str) -> dict[str, str]:
    """Claims by header, out of `X-Auth-Role=role,X-Auth-Scope=scope`."""
    pairs = [part.strip().partition("=") for part in text.split(",") if part.strip()]
    headers = {name.strip(): claim.strip() for name, _, claim in pairs}
    if len(headers) < len(pairs) or not all(headers.values()):
        raise SettingsRejected(f"{_HEADERS} is written as X-Auth-Role=role,X-Auth-Scope=scope")
    return headers


def _key(secret: str) -> SharedKey:
    try:
        return SharedKey.from_secret(secret)
    except KeyRejected as error:
        reason = str(error).partition(":")[0]
    raise SettingsRejected(f"{_SECRET} is rejected because {reason}")
