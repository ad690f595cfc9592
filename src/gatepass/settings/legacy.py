"""`LegacySettings`: the variables of tokens of the old library."""

from typing import Any, Final

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from gatepass.errors import KeyRejected, SettingsRejected
from gatepass.jose import KeySet, SharedKey
from gatepass.jose.keyset import require_disjoint
from gatepass.settings.values import parse_moment
from gatepass.tokens import LegacyTokens

_SHARED: Final = (
    "this secret and those of gatepass share a key: give JWT_ACCESS_SECRET and JWT_REFRESH_SECRET "
    "new secrets"
)
_NO_USE: Final = (
    "old tokens of this secret cannot be accepted; unset the JWT_LEGACY_ variables, "
    "and users log in again"
)


class LegacySettings(BaseSettings):
    """The part of `TokenSettings` about legacy tokens; all three variables are set, or none."""

    legacy_secret: SecretStr | None = Field(default=None, validation_alias="JWT_LEGACY_SECRET")
    legacy_kind: str | None = Field(default=None, validation_alias="JWT_LEGACY_KIND")
    legacy_until: str | None = Field(default=None, validation_alias="JWT_LEGACY_UNTIL")

    @property
    def legacy_keys(self) -> tuple[KeySet, ...]:
        """The keys of legacy tokens; none if no such token is accepted."""
        secret = self.legacy_secret
        return () if secret is None else (KeySet(SharedKey.from_secret(secret.get_secret_value())),)

    def read_legacy(self, *own: KeySet) -> LegacyTokens | None:
        """The legacy tokens that are accepted beside those of these keys.

        Raises:
            SettingsRejected: A variable is missing or bad, or the secret is one of gatepass's.
        """
        given = (self.legacy_secret, self.legacy_kind, self.legacy_until)
        if all(each is None for each in given):
            return None
        if self.legacy_secret is None or self.legacy_kind is None or self.legacy_until is None:
            raise SettingsRejected(
                "JWT_LEGACY_SECRET, JWT_LEGACY_KIND and JWT_LEGACY_UNTIL are set together"
            )
        try:
            until = parse_moment(self.legacy_until)
        except SettingsRejected as error:
            raise SettingsRejected(f"JWT_LEGACY_UNTIL: {error}") from None
        try:
            [legacy_keys] = self.legacy_keys
        except KeyRejected as error:
            reason = str(error).partition(":")[0]
            raise SettingsRejected(
                f"JWT_LEGACY_SECRET is rejected because {reason}: {_NO_USE}"
            ) from None
        try:
            for keys in own:
                require_disjoint(legacy_keys, keys, _SHARED)
        except KeyRejected as error:
            raise SettingsRejected(f"JWT_LEGACY_SECRET: {error}") from None
        kind: Any = self.legacy_kind
        try:
            return LegacyTokens(keys=legacy_keys, kind=kind, until=until)
        except SettingsRejected as error:
            raise SettingsRejected(f"JWT_LEGACY_KIND: {error}") from None
