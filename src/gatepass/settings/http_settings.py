"""`HttpSettings`: environment variables in, an `HttpPolicy` and `Limits` out."""

import os
from collections.abc import Mapping
from typing import Any, Final, Self, cast

from pydantic import Field, PrivateAttr, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from gatepass._secret_files import in_files, with_files
from gatepass.errors import KeyRejected, SettingsRejected
from gatepass.http import CSRF_PURPOSE, Cookies, HttpPolicy, Https, Limits
from gatepass.http.origins import is_loopback_origin, parse_origins
from gatepass.jose import SharedKey

_VARIABLES: Final = {
    "public_origins": "GATEPASS_PUBLIC_ORIGINS",
    "allowed_origins": "GATEPASS_ALLOWED_ORIGINS",
    "a trusted proxy": "GATEPASS_TRUSTED_PROXIES",
    "a mount prefix": "GATEPASS_MOUNT_PREFIX",
    "a cookie domain": "GATEPASS_COOKIE_DOMAIN",
    "the limit login": "GATEPASS_LOGIN_LIMIT",
    "the limit account": "GATEPASS_ACCOUNT_LIMIT",
    "the limit device": "GATEPASS_DEVICE_LIMIT",
}
"""The variable that a policy's reason is about, by the reason's first words."""


class HttpSettings(BaseSettings):
    """How a service is reached, from the environment; lists have commas between their members.

    Raises:
        SettingsRejected: A variable is out of bounds; the sentence names it.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        case_sensitive=True,
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

    environment: str = Field(default="development", validation_alias="GATEPASS_ENV")
    """`production` requires https and secure cookies.

    In development cookies are secure too once a public origin is https and not loopback.
    """
    public_origins: str = Field(default="", validation_alias="GATEPASS_PUBLIC_ORIGINS")
    """Origins of the service's own pages; a redirect may name their hosts only.

    Without any, tokens are sent in headers only.
    """
    allowed_origins: str = Field(default="", validation_alias="GATEPASS_ALLOWED_ORIGINS")
    """Other sites whose pages may read answers."""
    trusted_proxies: str = Field(default="", validation_alias="GATEPASS_TRUSTED_PROXIES")
    """Addresses and networks whose `X-Forwarded-*` headers count."""
    mount_prefix: str | None = Field(default=None, validation_alias="GATEPASS_MOUNT_PREFIX")
    """The path under which browsers see the auth routes, if it differs from the mount path."""
    cookie_domain: str | None = Field(default=None, validation_alias="GATEPASS_COOKIE_DOMAIN")
    """Every host of this domain receives the tokens; see `Cookies.share_with_subdomains_of`."""
    cookie_same_site: str = Field(default="strict", validation_alias="GATEPASS_COOKIE_SAMESITE")
    """`lax` sends the cookies with links from other sites too."""
    csrf_secret: SecretStr | None = Field(default=None, validation_alias="GATEPASS_CSRF_SECRET")
    csrf_secret_previous: SecretStr | None = Field(
        default=None, validation_alias="GATEPASS_CSRF_SECRET_PREVIOUS"
    )

    login_limit: str | None = Field(default=None, validation_alias="GATEPASS_LOGIN_LIMIT")
    """Logins of one address, such as `10/minute`; `off` turns a limit off."""
    account_limit: str | None = Field(default=None, validation_alias="GATEPASS_ACCOUNT_LIMIT")
    """Failed logins of one user name from devices that it has never logged in on."""
    device_limit: str | None = Field(default=None, validation_alias="GATEPASS_DEVICE_LIMIT")
    """Failed logins of one user name from a device that it has logged in on."""

    _policy: HttpPolicy = PrivateAttr()
    _limits: Limits = PrivateAttr()

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """The settings in these variables, of the process when none are given.

        A variable that holds a secret may be in a file, which `NAME_FILE` names.
        """
        try:
            if environ is None:
                return cls(**cast("dict[str, Any]", in_files(os.environ)))
            environ = with_files(environ)
            names = [str(field.validation_alias) for field in cls.model_fields.values()]
            given: dict[str, Any] = {name: environ[name] for name in names if environ.get(name)}
            return cls(**given)
        except ValidationError as error:
            variable = error.errors(include_input=False)[0]["loc"][0]
        raise SettingsRejected(f"{variable} cannot be read: it is not text")

    def model_post_init(self, _: Any, /) -> None:
        """Reject settings that would fail, or be unsafe, later."""
        try:
            self._policy = self._read_policy()
            self._limits = self._read_limits()
        except SettingsRejected as error:
            reason = str(error)
            found = [name for text, name in _VARIABLES.items() if reason.startswith(text)]
            raise SettingsRejected(": ".join([*found, reason])) from None

    @property
    def policy(self) -> HttpPolicy:
        """Cookies, origins, https and proxies."""
        return self._policy

    @property
    def limits(self) -> Limits:
        """How often passwords may be tried."""
        return self._limits

    def _read_limits(self) -> Limits:
        """The limits; one that is not set keeps its default."""
        given = {name: getattr(self, f"{name}_limit") for name in ("login", "account", "device")}
        return Limits(
            **{name: None if text == "off" else text for name, text in given.items() if text}
        )

    def _read_policy(self) -> HttpPolicy:
        if self.environment not in {"development", "production"}:
            raise SettingsRejected("GATEPASS_ENV is neither development nor production")
        is_production = self.environment == "production"
        origins = sorted(parse_origins("public_origins", _split(self.public_origins)))
        hosts = [origin.partition("://")[2] for origin in origins if origin.startswith("https:")]
        is_secure = is_production or _needs_https(origins)
        _require_one_kind(origins, is_secure=is_secure)
        cookies = Cookies(
            mount_prefix=self.mount_prefix,
            csrf_keys=self._csrf_keys(),
            send_on_links_from_other_sites=self._is_lax(),
            share_with_subdomains_of=self.cookie_domain,
            insecure_for_development_over_http=not is_secure,
        )
        for name, is_set in (
            ("GATEPASS_MOUNT_PREFIX", self.mount_prefix),
            ("GATEPASS_COOKIE_DOMAIN", self.cookie_domain),
            ("GATEPASS_COOKIE_SAMESITE", self._is_lax()),
            ("GATEPASS_CSRF_SECRET", cookies.csrf_keys),
        ):
            if is_set and not origins:
                raise SettingsRejected(f"{name} is for cookies, which need GATEPASS_PUBLIC_ORIGINS")
        return HttpPolicy(
            cookies=cookies if origins else None,
            public_origins=origins,
            allowed_origins=_split(self.allowed_origins),
            https=Https(allowed_hosts=hosts) if is_production else None,
            trusted_proxies=_split(self.trusted_proxies),
        )

    def _is_lax(self) -> bool:
        same_site = self.cookie_same_site.lower()
        if same_site not in {"strict", "lax"}:
            raise SettingsRejected(
                "GATEPASS_COOKIE_SAMESITE is strict or lax: pages of another site send tokens in "
                "headers"
            )
        return same_site == "lax"

    def _csrf_keys(self) -> tuple[bytes, ...]:
        """The keys of the secret and of the previous one; both are unset by default."""
        if self.csrf_secret is None and self.csrf_secret_previous is not None:
            raise SettingsRejected("GATEPASS_CSRF_SECRET_PREVIOUS is set without its successor")
        named = (
            ("GATEPASS_CSRF_SECRET", self.csrf_secret),
            ("GATEPASS_CSRF_SECRET_PREVIOUS", self.csrf_secret_previous),
        )
        return tuple(
            _derive(name, secret.get_secret_value()) for name, secret in named if secret is not None
        )


def _needs_https(origins: list[str]) -> bool:
    """Whether pages of other machines come over https, whatever `GATEPASS_ENV` says."""
    return any(origin.startswith("https:") and not is_loopback_origin(origin) for origin in origins)


def _require_one_kind(origins: list[str], *, is_secure: bool) -> None:
    """Reject an http origin of another machine if cookies are Secure: it would get none."""
    for origin in origins:
        if is_secure and origin.startswith("http:") and not is_loopback_origin(origin):
            raise SettingsRejected(
                f"GATEPASS_PUBLIC_ORIGINS names {origin}, but GATEPASS_ENV=production or an https "
                "origin makes cookies Secure, which browsers keep from http: write https://, or "
                "leave it out"
            )


def _derive(name: str, secret: str) -> bytes:
    try:
        return SharedKey.from_secret(secret).derive(CSRF_PURPOSE)
    except KeyRejected as error:
        reason = str(error).partition(":")[0]
    raise SettingsRejected(f"{name} is rejected because {reason}")


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
