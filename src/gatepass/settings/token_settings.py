"""`TokenSettings`: environment variables in, policy, keys and managers out."""

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Self, TypedDict, Unpack, cast

from pydantic import BeforeValidator, Field, PrivateAttr, SecretStr, ValidationError, ValidationInfo
from pydantic_settings import SettingsConfigDict

from gatepass._secret_files import in_files, with_files
from gatepass.errors import KeyRejected, SettingsRejected
from gatepass.events.teller import AsyncOnEvent, OnEvent
from gatepass.jose import KeySet, KeySource
from gatepass.keyfile import FileKeySource
from gatepass.manager import AsyncTokenManager, TokenManager
from gatepass.manager.common import AsyncLoadClaims, LoadClaims
from gatepass.sessions import AsyncRevocations, AsyncStore, Revocations, Store
from gatepass.settings.legacy import LegacySettings
from gatepass.settings.secrets import KEY_FILE, read_keys
from gatepass.settings.stores import open_async_store, open_store, require_database_url
from gatepass.settings.values import (
    parse_allowed_values,
    parse_leeway,
    parse_moment,
    parse_names,
    parse_number,
)
from gatepass.tokens import LegacyTokens, TokenPolicy
from gatepass.tokens.durations import parse_duration
from gatepass.tokens.policy import Seconds


def _read(parse: Callable[[str], object]) -> BeforeValidator:
    """Parse the text of a variable; an error names the variable."""

    def read(value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            return value
        try:
            return parse(value)
        except SettingsRejected as error:
            raise SettingsRejected(f"{_variable(info.field_name)}: {error}") from None

    return BeforeValidator(read)


_Lifetime = Annotated[timedelta | None, _read(parse_duration)]
_Leeway = Annotated[timedelta | None, _read(parse_leeway)]


class PolicyOptions(TypedDict, total=False):
    """Settings of one manager, instead of the environment's; see `TokenPolicy`."""

    client_id: str
    leeway: Seconds
    rotation_leeway: Seconds
    max_sessions: int
    access_format: str
    jwt_until: datetime | None
    required_claims: Collection[str]
    allowed_values: Mapping[str, Collection[Any]]


class TokenSettings(LegacySettings):
    """The sign-in settings of one service, from the environment.

    Raises:
        SettingsRejected: A variable is missing, weak, equal to another or out of bounds; the
            sentence names it.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        case_sensitive=True,
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

    access_secret: SecretStr | None = Field(default=None, validation_alias="JWT_ACCESS_SECRET")
    refresh_secret: SecretStr | None = Field(default=None, validation_alias="JWT_REFRESH_SECRET")
    access_secret_previous: SecretStr | None = Field(
        default=None, validation_alias="JWT_ACCESS_SECRET_PREVIOUS"
    )
    """Also accepted, comma-separated: a new secret is deployed here first, then swapped."""
    refresh_secret_previous: SecretStr | None = Field(
        default=None, validation_alias="JWT_REFRESH_SECRET_PREVIOUS"
    )
    key_file: str | None = Field(default=None, validation_alias="GATEPASS_KEY_FILE")
    """The file of the keys of access tokens, instead of secrets; see `gatepass keys`."""
    issuer: str | None = Field(default=None, validation_alias="JWT_ISSUER")
    audience: str | None = Field(default=None, validation_alias="JWT_AUDIENCE")
    access_lifetime: _Lifetime = Field(default=None, validation_alias="JWT_ACCESS_LIFETIME")
    refresh_lifetime: _Lifetime = Field(default=None, validation_alias="JWT_REFRESH_LIFETIME")
    session_lifetime: _Lifetime = Field(default=None, validation_alias="JWT_SESSION_LIFETIME")
    client_id: str | None = Field(default=None, validation_alias="JWT_CLIENT_ID")
    leeway: _Leeway = Field(default=None, validation_alias="JWT_LEEWAY")
    rotation_leeway: _Leeway = Field(default=None, validation_alias="JWT_ROTATION_LEEWAY")
    max_sessions: Annotated[int | None, _read(parse_number)] = Field(
        default=None, validation_alias="JWT_MAX_SESSIONS"
    )
    access_format: str | None = Field(default=None, validation_alias="JWT_ACCESS_FORMAT")
    jwt_until: Annotated[datetime | None, _read(parse_moment)] = Field(
        default=None, validation_alias="JWT_ACCEPTED_UNTIL"
    )
    # Of a collection pydantic-settings would want JSON itself.
    required_claims: Annotated[Any, _read(parse_names)] = Field(
        default=None, validation_alias="JWT_REQUIRED_CLAIMS"
    )
    allowed_values: Annotated[Any, _read(parse_allowed_values)] = Field(
        default=None, validation_alias="JWT_ALLOWED_VALUES"
    )
    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    redis_url: SecretStr | None = Field(default=None, validation_alias="REDIS_URL")
    misnamed_secret: SecretStr | None = Field(default=None, validation_alias="JWT_SECRET")
    misnamed_previous_secret: SecretStr | None = Field(
        default=None, validation_alias="JWT_PREVIOUS_SECRET"
    )

    _access_keys: KeySource = PrivateAttr()
    _refresh_keys: KeySet = PrivateAttr()
    _policy: TokenPolicy = PrivateAttr()
    _legacy: LegacyTokens | None = PrivateAttr()

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """The settings in these variables, of the process when none are given.

        A variable that holds a secret may be in a file, which `NAME_FILE` names.
        """
        try:
            if environ is None:
                return cls(**cast("dict[str, Any]", in_files(os.environ)))
            environ = with_files(environ)
            names = [_variable(field) for field in cls.model_fields]
            given: dict[str, Any] = {name: environ.get(name) or None for name in names}
            return cls(**given)
        except ValidationError as error:
            variable = error.errors(include_input=False)[0]["loc"][0]
        raise SettingsRejected(f"{variable} cannot be read: it is not text")

    def model_post_init(self, _: Any, /) -> None:
        """Reject settings that would fail, or be unsafe, later."""
        values = {_variable(field): _text(getattr(self, field)) for field in _SECRETS}
        secrets = {variable: text for variable, text in values.items() if text is not None}
        access_keys, self._refresh_keys = read_keys(secrets, has_key_file=bool(self.key_file))
        self._policy = self._read_policy()
        self._access_keys = self._open_key_file() if access_keys is None else access_keys
        self._legacy = self.read_legacy(self._access_keys.current(), self._refresh_keys)

    @property
    def policy(self) -> TokenPolicy:
        """Everything of the environment that tokens are issued and verified by."""
        return self._policy

    @property
    def access_keys(self) -> KeySource:
        """The keys of access tokens: the secret signs, the previous ones are accepted.

        With a key file they are its keys at each moment.
        """
        return self._access_keys

    @property
    def refresh_keys(self) -> KeySet:
        """The keys of refresh tokens, never one of the access set."""
        return self._refresh_keys

    def manager(
        self,
        store: Store | None = None,
        *,
        revocations: Revocations | None = None,
        load_claims: LoadClaims | None = None,
        on_event: OnEvent | None = None,
        **policy: Unpack[PolicyOptions],
    ) -> TokenManager:
        """A manager over this store, or over the one that the environment names.

        Args:
            store: The store of sessions.
            revocations: See `TokenManager`.
            load_claims: See `TokenManager`.
            on_event: See `TokenManager`.
            **policy: Settings of this manager alone; the others are the environment's.

        Raises:
            SettingsRejected: A value is out of bounds, or no store is named.
        """
        return TokenManager(
            replace(self.policy, **policy),
            access_keys=self.access_keys,
            refresh_keys=self.refresh_keys,
            store=self.store() if store is None else store,
            revocations=revocations,
            load_claims=load_claims,
            on_event=on_event,
            legacy=self._legacy,
        )

    def async_manager(
        self,
        store: AsyncStore | None = None,
        *,
        revocations: AsyncRevocations | None = None,
        load_claims: AsyncLoadClaims | None = None,
        on_event: AsyncOnEvent | None = None,
        **policy: Unpack[PolicyOptions],
    ) -> AsyncTokenManager:
        """The same for `await`; `load_claims` and `on_event` may be coroutine functions."""
        return AsyncTokenManager(
            replace(self.policy, **policy),
            access_keys=self.access_keys,
            refresh_keys=self.refresh_keys,
            store=self.async_store() if store is None else store,
            revocations=revocations,
            load_claims=load_claims,
            on_event=on_event,
            legacy=self._legacy,
        )

    def store(self) -> Store:
        """A store of sessions in Redis if `REDIS_URL` is set, else in that of `DATABASE_URL`.

        Raises:
            SettingsRejected: Neither is set, or one that cannot be used.
        """
        return open_store(_text(self.database_url), _text(self.redis_url))

    def async_store(self) -> AsyncStore:
        """`store` for `await`."""
        return open_async_store(_text(self.database_url), _text(self.redis_url))

    @property
    def sql_url(self) -> str:
        """`DATABASE_URL`, the database of the server's accounts; it may hold a password.

        Raises:
            SettingsRejected: The variable is not set, or its form is not supported.
        """
        return require_database_url(_text(self.database_url))

    def _open_key_file(self) -> KeySource:
        """The keys in the file, which must be made for tokens that live as long as ours."""
        try:
            source = FileKeySource(self.key_file or "")
        except (KeyRejected, SettingsRejected) as error:
            raise SettingsRejected(f"{KEY_FILE}: {error}") from error
        lifetime = self._policy.access_lifetime
        if isinstance(lifetime, timedelta) and lifetime > source.lifetime:
            raise SettingsRejected(
                f"JWT_ACCESS_LIFETIME is longer than tokens of the primary key may live "
                f"({source.lifetime}): rotate to one of `gatepass keys generate --lifetime`"
            )
        return source

    def _read_policy(self) -> TokenPolicy:
        """The policy; a lifetime that is not set keeps the policy's own default."""
        given = {name: getattr(self, name) for name in _POLICY}
        set_here = {name: value for name, value in given.items() if value is not None}
        try:
            return TokenPolicy(**{**_NAMES, **set_here})
        except SettingsRejected as error:
            field, _, rest = str(error).partition(" ")
        seconds = rest.replace("a timedelta or whole seconds", "a whole number of seconds")
        raise SettingsRejected(f"{_variable(field)} {seconds}")


_SECRETS: Final = (
    "access_secret",
    "refresh_secret",
    "access_secret_previous",
    "refresh_secret_previous",
    "misnamed_secret",
    "misnamed_previous_secret",
)
_NAMES: Final[Mapping[str, Any]] = {"issuer": "api-server", "audience": "api-client"}
_POLICY: Final = (
    "issuer",
    "audience",
    "access_lifetime",
    "refresh_lifetime",
    "session_lifetime",
    *PolicyOptions.__annotations__,
)


def _variable(field: str | None) -> str:
    """The environment's name of a field."""
    return str(TokenSettings.model_fields[field].validation_alias) if field else "a setting"


def _text(setting: SecretStr | None) -> str | None:
    return None if setting is None else setting.get_secret_value() or None
