"""The types of tokens (`typ`, RFC 8725 §3.11): ours, and those that a verifier accepts."""

from collections.abc import Collection
from typing import Final

from gatepass.errors import SettingsRejected
from gatepass.jose.jws import normalize_typ

ACCESS_TYP: Final = "at+jwt"
REFRESH_TYP: Final = "rt+jwt"


def require_verifiable_typ(typ: object) -> None:
    """Reject a type that is not text, and that of refresh tokens: only a manager handles them."""
    if typ is None:
        return
    if not isinstance(typ, str) or not typ or normalize_typ(typ) == REFRESH_TYP:
        message = f"typ is a text other than {REFRESH_TYP}"
        raise SettingsRejected(message)


def accepted_typs(typ: str | Collection[str | None] | None) -> frozenset[str | None]:
    """The types that a verifier accepts, as `normalize_typ` writes them."""
    typs = (typ,) if typ is None or isinstance(typ, str) else typ
    found = frozenset(map(normalize_typ, typs))
    return found | {"jwt"} if None in found else found
