import importlib
import inspect
from typing import Any

import pytest

_NAMES = {
    "gatepass": "TokenManager AsyncTokenManager TokenPolicy TokenPair AccessClaims TokenIssuer "
    "TokenVerifier AsyncTokenVerifier",
    "gatepass.events": "Event EventKind Queued about note_subject",
    "gatepass.jose": "KeySet SharedKey SigningKey VerificationKey sign verify inspect",
    "gatepass.stores.memory": "MemoryStore AsyncMemoryStore",
    "gatepass.stores.sql": "SqlStore AsyncSqlStore alembic_include_name metadata",
    "gatepass.stores.redis": "RedisStore AsyncRedisStore Finding",
    "gatepass.revocations": "replica_of Replica AsyncReplica ReplicaStatus WhenStale",
    "gatepass.revocations.sqlite": "SqliteReplica AsyncSqliteReplica",
    "gatepass.settings": "TokenSettings HttpSettings",
    "gatepass.asgi": "Auth Identity HttpPolicy Cookies Https Limits",
    "gatepass.fastapi": "Auth Identity HttpPolicy Cookies Https Limits",
    "gatepass.flask": "Auth Identity HttpPolicy Cookies Https Limits",
    "gatepass.django": "Auth Identity HttpPolicy Cookies Https Limits DjangoUsers",
    "gatepass.testing": "Clock Mint",
    "gatepass.keyfile": "Entry FileKeySource KeyFile Ring State StepRefused",
    "gatepass.httpx": "FileTokens MemoryTokens TokenAuth TokenStorage Tokens",
    "gatepass.remote": "AsyncRemoteKeySet RemoteKeySet",
    "gatepass.issuers": "TrustedIssuer auth0 cognito entra keycloak",
    "gatepass.passwords": "COMMON_PASSWORDS MAX_PASSWORD MIN_PASSWORD HashRejected PasswordPool "
    "PasswordRejected Passwords require_hash",
    "gatepass.errors": "GatepassError TokenError TokenMissing TokenMalformed TokenInvalid "
    "TokenExpired TokenRevoked SessionError RefreshReused SessionRevoked SessionExpired "
    "SessionUnknown SubjectDisabled SubjectEpochChanged KeyRejected ClaimsRejected "
    "HashRejected PasswordRejected SettingsRejected GuardMisused StoreUnavailable KeysUnavailable",
}
_MANAGER = (
    "issue refresh verify revoke_token revoke_session revoke_subject revoke_all log_out "
    "sessions subject_epoch purge tell close"
)
_REPLICA = "is_revoked start fresh age status close"
_MEMBERS = {
    "gatepass.TokenManager": f"{_MANAGER} __enter__ __exit__",
    "gatepass.AsyncTokenManager": f"{_MANAGER} __aenter__ __aexit__",
    "gatepass.TokenPair": "access_token refresh_token token_type expires_in refresh_expires_in "
    "session_id to_dict",
    "gatepass.AccessClaims": "subject token_id session_id issued_at expires_at auth_time scopes "
    "roles to",
    "gatepass.TokenIssuer": "issue",
    "gatepass.TokenVerifier": "verify for_issuers",
    "gatepass.AsyncTokenVerifier": "verify for_issuers",
    "gatepass.jose.KeySet": "rotate without public_jwks from_jwks current version",
    "gatepass.jose.SharedKey": "from_secret from_bytes generate from_jwk",
    "gatepass.jose.SigningKey": "generate from_pem from_jwk public kid to_pem",
    "gatepass.jose.VerificationKey": "from_jwk from_pem to_jwk kid",
    "gatepass.settings.TokenSettings": "from_env manager async_manager",
    "gatepass.stores.redis.RedisStore": "from_url check",
    "gatepass.stores.redis.AsyncRedisStore": "from_url check",
    "gatepass.stores.sql.SqlStore": "from_url upgrade",
    "gatepass.stores.sql.AsyncSqlStore": "from_url upgrade",
    "gatepass.revocations.Replica": f"{_REPLICA} from_url __enter__",
    "gatepass.revocations.AsyncReplica": f"{_REPLICA} from_url __aenter__",
    "gatepass.revocations.sqlite.SqliteReplica": _REPLICA,
    "gatepass.revocations.sqlite.AsyncSqliteReplica": _REPLICA,
    "gatepass.revocations.ReplicaStatus": "is_fresh age entries stale_for down_for why_down losses "
    "when_stale fails_open to_dict",
    "gatepass.revocations.WhenStale": "ASK DENY ACCEPT_TOKENS_THAT_MAY_BE_REVOKED",
    "gatepass.asgi.Auth": "install required optional log_in",
    "gatepass.fastapi.Auth": "install required optional log_in",
    "gatepass.flask.Auth": "init_app required optional log_in claims find_claims",
    "gatepass.django.Auth": "required optional log_in alog_in",
    "gatepass.settings.HttpSettings": "from_env policy limits",
}
_PARAMETERS = {
    "gatepass.TokenPolicy": "issuer audience client_id access_lifetime refresh_lifetime "
    "session_lifetime leeway rotation_leeway required_claims allowed_values max_sessions",
    "gatepass.TokenManager": "policy access_keys refresh_keys store revocations load_claims now",
    "gatepass.AsyncTokenManager": "policy access_keys refresh_keys store revocations load_claims "
    "now",
    "gatepass.TokenManager.issue": "self subject claims device epoch",
    "gatepass.TokenIssuer": "keys issuer audience lifetime typ now",
    "gatepass.TokenVerifier": "keys issuer audience typ required_claims leeway revocations",
    "gatepass.revocations.replica_of": "store max_staleness when_stale",
    "gatepass.jose.sign": "payload keys typ kid",
    "gatepass.jose.verify": "compact keys",
    "gatepass.jose.inspect": "compact",
}


def find(path: str) -> Any:
    """The object of a dotted path: the longest module in it, then attributes."""
    parts = path.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for name in parts[count:]:
            found = getattr(found, name)
        return found
    raise ModuleNotFoundError(path)


@pytest.mark.parametrize("module", _NAMES)
def test_the_fixed_names_are_exported(module: str) -> None:
    names = _NAMES[module].split()
    loaded = importlib.import_module(module)

    assert [name for name in names if not hasattr(loaded, name)] == []
    assert set(names) <= set(getattr(loaded, "__all__", names))


@pytest.mark.parametrize("module", ["gatepass", "gatepass.jose"])
def test_a_namespace_lists_what_it_exports_in_order(module: str) -> None:
    exported = importlib.import_module(module).__all__

    assert list(exported) == sorted(exported, key=lambda name: (not name.isupper(), name))


@pytest.mark.parametrize("path", _MEMBERS)
def test_the_fixed_members_exist(path: str) -> None:
    owner = find(path)
    known = set(dir(owner)) | set(getattr(owner, "__annotations__", ()))

    assert [name for name in _MEMBERS[path].split() if name not in known] == []


@pytest.mark.parametrize("path", _PARAMETERS)
def test_the_fixed_parameters_exist(path: str) -> None:
    taken = inspect.signature(find(path)).parameters

    assert [name for name in _PARAMETERS[path].split() if name not in taken] == []


def test_there_is_no_way_to_choose_algorithms_or_to_skip_verification() -> None:
    for path in ("gatepass.jose.verify", "gatepass.TokenVerifier", "gatepass.TokenManager"):
        taken = inspect.signature(find(path)).parameters

        assert not {"algorithms", "algorithm", "verify", "options"} & taken.keys()


def test_every_error_has_a_code_of_its_own() -> None:
    errors = [
        value
        for value in vars(importlib.import_module("gatepass.errors")).values()
        if isinstance(value, type) and issubclass(value, Exception)
    ]
    codes = [error.__dict__.get("code") for error in errors]

    assert None not in codes
    assert len(set(codes)) == len(codes)
    assert all(issubclass(error, find("gatepass.errors.GatepassError")) for error in errors)
