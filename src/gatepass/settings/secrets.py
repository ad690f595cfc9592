"""Secrets by the variables that hold them: rejected with a sentence, or made into keys (pure)."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from gatepass.errors import KeyRejected, SettingsRejected
from gatepass.jose import KeySet, SharedKey

ACCESS: Final = "JWT_ACCESS_SECRET"
REFRESH: Final = "JWT_REFRESH_SECRET"
KEY_FILE: Final = "GATEPASS_KEY_FILE"
PREVIOUS: Final = "_PREVIOUS"
"""The end of names of variables whose secrets are also accepted."""
_MAKE_ONE: Final = "make a good one with `gatepass secret`"


def read_keys(
    variables: Mapping[str, str], *, has_key_file: bool = False
) -> tuple[KeySet | None, KeySet]:
    """The access and the refresh keys.

    Args:
        variables: The variables that are set; a list has commas between its secrets.
        has_key_file: The access keys are in a file, so no variable has them.

    Raises:
        SettingsRejected: A secret is missing, bad, misnamed, or in two variables.
    """
    names = (REFRESH,) if has_key_file else (ACCESS, REFRESH)
    misnamed = _find_needless(variables) if has_key_file else find_misnamed(variables)
    if misnamed is not None:
        raise SettingsRejected(misnamed)
    secrets: dict[str, list[str]] = {}
    for variable in names:
        if variable not in variables:
            raise SettingsRejected(f"{variable} is not set: {_MAKE_ONE}")
        secrets[variable] = [_require_one(variable, variables[variable])]
    for variable in names:
        secrets[variable + PREVIOUS] = _split(
            variable + PREVIOUS, variables.get(variable + PREVIOUS, "")
        )
    keys = {
        variable: [_read_key(variable, text) for text in texts]
        for variable, texts in secrets.items()
    }
    _require_different(secrets)
    return None if has_key_file else _key_set(ACCESS, keys), _key_set(REFRESH, keys)


def _find_needless(variables: Collection[str]) -> str | None:
    """A sentence about secrets that are set beside a key file: only one of the two can sign."""
    for variable in (ACCESS, ACCESS + PREVIOUS):
        if variable in variables:
            return f"{KEY_FILE} and {variable} are both set: unset the one that is not to sign"
    return None


def find_misnamed(variables: Collection[str]) -> str | None:
    """A sentence about names that other programs use, if ours are missing."""
    if "JWT_SECRET" in variables and ACCESS not in variables:
        return (
            f"JWT_SECRET is not read: the names are {ACCESS} and {REFRESH}, "
            f"which differ ({_MAKE_ONE})"
        )
    lists = {ACCESS + PREVIOUS, REFRESH + PREVIOUS}
    if "JWT_PREVIOUS_SECRET" in variables and lists.isdisjoint(variables):
        return (
            "JWT_PREVIOUS_SECRET is not read: the names are "
            f"{ACCESS}{PREVIOUS} and {REFRESH}{PREVIOUS}"
        )
    return None


def _require_one(variable: str, secret: str) -> str:
    """Reject a comma: once the secret is a previous one, its two halves would become keys."""
    if "," in secret:
        raise SettingsRejected(
            f"{variable} has a comma, which separates secrets in {variable}{PREVIOUS}: {_MAKE_ONE}"
        )
    return secret


def _split(variable: str, text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",")] if text else []
    if not all(parts):
        raise SettingsRejected(f"{variable} has an empty secret beside a comma")
    return parts


def _read_key(variable: str, secret: str) -> SharedKey:
    if secret != secret.strip():
        raise SettingsRejected(f"{variable} begins or ends with a blank: {_MAKE_ONE}")
    try:
        return SharedKey.from_secret(secret)
    except KeyRejected as error:
        reason = str(error).partition(":")[0]
    raise SettingsRejected(f"{variable} is rejected because {reason}: {_MAKE_ONE}")


def _require_different(secrets: Mapping[str, Iterable[str]]) -> None:
    """Reject one secret in two variables: a token of one kind would pass for the other."""
    seen: dict[str, str] = {}
    for variable, texts in secrets.items():
        for text in texts:
            if text in seen:
                raise SettingsRejected(f"{variable} repeats a secret of {seen[text]}: {_MAKE_ONE}")
            seen[text] = variable


def _key_set(variable: str, keys: Mapping[str, list[SharedKey]]) -> KeySet:
    try:
        return KeySet(*keys[variable], *keys[variable + PREVIOUS])
    except KeyRejected as error:
        raise SettingsRejected(f"{variable}{PREVIOUS}: {error}") from None
