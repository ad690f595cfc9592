"""What the environment says: policy, keys and managers; reads no files and shows no secret."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, Field, PrivateAttr, SecretStr, ValidationError, ValidationInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from gatepass.errors import KeyRejected, SettingsRejected
from gatepass.jose import KeySet, SharedKey
from gatepass.manager import AsyncTokenManager, TokenManager
from gatepass.sessions import AsyncRevocations, AsyncStore, Revocations, Store
from gatepass.tokens import TokenPolicy

_MAKE_ONE: Final = "make a good one with `gatepass secret`"
_DURATION: Final = re.compile(
    r"(?:(?P<days>\d{1,6})d)?(?:(?P<hours>\d{1,6})h)?"
    r"(?:(?P<minutes>\d{1,6})m)?(?:(?P<seconds>\d{1,9})s?)?",
    re.ASCII,
)


def parse_duration(text: str) -> timedelta:
    """The time in `15m`, `7d`, `1h30m` or `900` (seconds).

    Raises:
        SettingsRejected: It is none of these, or zero.
    """
    match = _DURATION.fullmatch(text.strip())
    parts = match.groupdict(default="0") if match is not None else {}
    duration = timedelta(**{unit: int(count) for unit, count in parts.items()})
    if not duration:
        raise SettingsRejected("a duration is written as 15m, 12h, 7d, 1h30m or 900 (seconds)")
    return duration


def _read_duration(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse_duration(value)
    except SettingsRejected as error:
        raise SettingsRejected(f"{_variable(info.field_name)}: {error}") from None


_Lifetime = Annotated[timedelta | None, BeforeValidator(_read_duration)]


class TokenSettings(BaseSettings):
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
    issuer: str | None = Field(default=None, validation_alias="JWT_ISSUER")
    audience: str | None = Field(default=None, validation_alias="JWT_AUDIENCE")
    access_lifetime: _Lifetime = Field(default=None, validation_alias="JWT_ACCESS_LIFETIME")
    refresh_lifetime: _Lifetime = Field(default=None, validation_alias="JWT_REFRESH_LIFETIME")
    session_lifetime: _Lifetime = Field(default=None, validation_alias="JWT_SESSION_LIFETIME")
    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    redis_url: SecretStr | None = Field(default=None, validation_alias="REDIS_URL")
    misnamed_secret: SecretStr | None = Field(default=None, validation_alias="JWT_SECRET")
    misnamed_previous_secret: SecretStr | None = Field(
        default=None, validation_alias="JWT_PREVIOUS_SECRET"
    )

    _access_keys: KeySet = PrivateAttr()
    _refresh_keys: KeySet = PrivateAttr()
    _policy: TokenPolicy = PrivateAttr()

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """The settings in these variables, of the process when none are given."""
        try:
            if environ is None:
                return cls()
            names = [_variable(field) for field in cls.model_fields]
            given: dict[str, Any] = {name: environ.get(name) or None for name in names}
            return cls(**given)
        except ValidationError as error:
            variable = error.errors(include_input=False)[0]["loc"][0]
        raise SettingsRejected(f"{variable} cannot be read: it is not text")

    def model_post_init(self, _: Any, /) -> None:
        """Refuse what would only fail, or be unsafe, later."""
        secrets = {name: list(self._secrets_of(name)) for name in _SECRETS}
        self._require_named_right()
        for name in ("access_secret", "refresh_secret"):
            if not secrets[name]:
                raise SettingsRejected(f"{_variable(name)} is not set: {_MAKE_ONE}")
        keys = {
            name: [_read_key(_variable(name), text) for text in texts]
            for name, texts in secrets.items()
        }
        _require_different(secrets)
        self._access_keys = _key_set("access_secret", keys)
        self._refresh_keys = _key_set("refresh_secret", keys)
        self._policy = self._read_policy()

    @property
    def policy(self) -> TokenPolicy:
        """Issuer, audience and lifetimes."""
        return self._policy

    @property
    def access_keys(self) -> KeySet:
        """The keys of access tokens: the secret signs, the previous ones are accepted."""
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
        load_claims: Callable[[str], Mapping[str, Any] | None] | None = None,
    ) -> TokenManager:
        """A manager over this store, or over the one that `DATABASE_URL` names."""
        if store is None:
            from gatepass.stores.sql import SqlStore  # noqa: PLC0415 - only who needs it has it

            store = SqlStore.from_url(self.sqlite_url)
        return TokenManager(
            self.policy,
            access_keys=self.access_keys,
            refresh_keys=self.refresh_keys,
            store=store,
            revocations=revocations,
            load_claims=load_claims,
        )

    def async_manager(
        self,
        store: AsyncStore | None = None,
        *,
        revocations: AsyncRevocations | None = None,
        load_claims: Callable[[str], Any] | None = None,
    ) -> AsyncTokenManager:
        """The same for `await`; `load_claims` may be a coroutine function."""
        if store is None:
            from gatepass.stores.sql import AsyncSqlStore  # noqa: PLC0415 - only who needs it has it

            store = AsyncSqlStore.from_url(self.sqlite_url)
        return AsyncTokenManager(
            self.policy,
            access_keys=self.access_keys,
            refresh_keys=self.refresh_keys,
            store=store,
            revocations=revocations,
            load_claims=load_claims,
        )

    @property
    def sqlite_url(self) -> str:
        """The URL of the database in which sessions are kept.

        Raises:
            SettingsRejected: There is none, or it names a database that cannot be used.
        """
        if self.redis_url is not None:
            raise SettingsRejected(
                "REDIS_URL is set, but sessions cannot be kept in Redis yet: "
                "unset it and set DATABASE_URL to sqlite:///gate.db"
            )
        if self.database_url is None:
            raise SettingsRejected(
                "DATABASE_URL is not set: name the file of sessions as in sqlite:///gate.db"
            )
        url = self.database_url.get_secret_value()
        if re.match(r"postgres(ql)?(\+\w+)?:", url, re.IGNORECASE):
            raise SettingsRejected(
                "DATABASE_URL names PostgreSQL, where sessions cannot be kept yet: "
                "use a file as in sqlite:///gate.db"
            )
        if not re.match(r"sqlite(\+pysqlite)?:///", url):
            raise SettingsRejected("DATABASE_URL is not of the form sqlite:///gate.db")
        return url

    def _secrets_of(self, name: str) -> Iterator[str]:
        setting: SecretStr | None = getattr(self, name)
        text = "" if setting is None else setting.get_secret_value()
        if not name.endswith("_previous"):
            yield from [text] if text else []
            return
        for part in text.split(",") if text else []:
            if not part.strip():
                raise SettingsRejected(f"{_variable(name)} has an empty place between its commas")
            yield part.strip()

    def _require_named_right(self) -> None:
        if self.misnamed_secret is not None and self.access_secret is None:
            raise SettingsRejected(
                "JWT_SECRET is not read: the names are JWT_ACCESS_SECRET and JWT_REFRESH_SECRET, "
                f"which differ ({_MAKE_ONE})"
            )
        previous = self.access_secret_previous or self.refresh_secret_previous
        if self.misnamed_previous_secret is not None and previous is None:
            raise SettingsRejected(
                "JWT_PREVIOUS_SECRET is not read: the names are JWT_ACCESS_SECRET_PREVIOUS and "
                "JWT_REFRESH_SECRET_PREVIOUS"
            )

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
)
_NAMES: Final[Mapping[str, Any]] = {"issuer": "api-server", "audience": "api-client"}
_POLICY: Final = (
    "issuer",
    "audience",
    "access_lifetime",
    "refresh_lifetime",
    "session_lifetime",
)


def _variable(field: str | None) -> str:
    """The environment's name of a field."""
    return str(TokenSettings.model_fields[field].validation_alias) if field else "a setting"


def _read_key(variable: str, secret: str) -> SharedKey:
    if secret != secret.strip():
        raise SettingsRejected(f"{variable} begins or ends with a blank: {_MAKE_ONE}")
    try:
        return SharedKey.from_secret(secret)
    except KeyRejected as error:
        reason = str(error).partition(":")[0]
    raise SettingsRejected(f"{variable} is refused because {reason}: {_MAKE_ONE}")


def _require_different(secrets: Mapping[str, list[str]]) -> None:
    """Refuse the same secret in two places: a token of one kind would pass for the other."""
    seen: dict[str, str] = {}
    for name, texts in secrets.items():
        for text in texts:
            if text in seen:
                raise SettingsRejected(
                    f"{_variable(name)} repeats a secret of {seen[text]}: {_MAKE_ONE}"
                )
            seen[text] = _variable(name)


def _key_set(name: str, keys: Mapping[str, list[SharedKey]]) -> KeySet:
    try:
        return KeySet(*keys[name], *keys[f"{name}_previous"])
    except KeyRejected as error:
        raise SettingsRejected(f"{_variable(name)}_PREVIOUS: {error}") from None
