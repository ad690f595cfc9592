"""Marks of devices that have logged in (OWASP, "Slow down online guessing with device cookies").

1. A mark is a token of type `device+jwt` under a key of its own, derived from the refresh keys. It
   proves an earlier login and opens nothing.
2. It counts for the user name as it was typed at that login: an application may tell `Ada` from
   `ada`, and the mark of one must not buy guesses at the other. It counts for one service: another
   with the same refresh keys has other users of that name.
3. It counts until the epoch of its subject changes, which a password change and "log out
   everywhere" increment, and for a year at most.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gatepass.errors import TokenError
from gatepass.jose import KeySet, SharedKey, sign, verify
from gatepass.jose.algorithms import find_algorithm
from gatepass.jose.jws import normalize_typ

DEVICE_TYP: Final = "device+jwt"
DEVICE_PURPOSE: Final = b"gatepass device"
"""Names the key that is derived from a refresh secret (HKDF, RFC 5869 §2.3 `info`)."""
LIFETIME_S: Final = 365 * 86_400
KEPT: Final = 3
"""The marks that a browser keeps, of the accounts that logged in on it last."""
_ALGORITHM: Final = find_algorithm("HS256")
_BETWEEN: Final = "~"
_MAX_SIZE: Final = 3_600
"""Characters of the cookie's value: with its name and attributes it must stay below 4096."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device that a subject has logged in on."""

    device_id: str
    subject: str
    epoch: int


class Devices:
    """Makes marks and reads them back."""

    def __init__(
        self,
        derived_secrets: Callable[[bytes], tuple[bytes, ...]],
        service: Sequence[str],
        now: Callable[[], float],
    ) -> None:
        self._derived_secrets = derived_secrets
        self._service = service
        self._now = now

    def mark(self, username: str, device: Device) -> str:
        """The mark of a device for this user name."""
        key = self._keys()[0]
        claims = {
            "jti": device.device_id,
            "sub": device.subject,
            "epoch": device.epoch,
            "name": self._name_mac(key, username),
            "iat": int(self._now()),
        }
        return sign(claims, key, typ=DEVICE_TYP)

    def find(self, marks: list[str], username: str) -> Device | None:
        """The device by the first of these marks that is good for this user name."""
        for _, claims, is_own in self._read(marks, username):
            if is_own:
                return Device(claims["jti"], claims["sub"], claims["epoch"])
        return None

    def join(self, mark: str, others: list[str], username: str) -> str:
        """The value of a cookie: the new mark of this user name, then those of others."""
        kept = [mark, *(one for one, _, is_own in self._read(others, username) if not is_own)]
        del kept[KEPT:]
        while len(_BETWEEN.join(kept)) > _MAX_SIZE:
            kept.pop()
        return _BETWEEN.join(kept)

    def _read(self, marks: list[str], username: str) -> Iterator[tuple[str, dict[str, Any], bool]]:
        """The good marks, their claims, and whether each is for this user name."""
        if not marks:
            return
        keys, oldest = self._keys(), self._now() - LIFETIME_S
        names = {self._name_mac(key, username) for key in keys}
        for mark in marks:
            try:
                read = verify(mark, KeySet(*keys))
            except TokenError:
                continue
            claims = json.loads(read.payload)
            if normalize_typ(read.header["typ"]) == DEVICE_TYP and claims["iat"] > oldest:
                yield mark, claims, claims["name"] in names

    def _name_mac(self, key: SharedKey, username: str) -> str:
        """The user name as a mark holds it: no name can be read in a stolen mark."""
        text = json.dumps([*self._service, username]).encode()
        mac = hmac.digest(key.derive(b"user name"), text, hashlib.sha256)
        return base64.urlsafe_b64encode(mac[:16]).decode().rstrip("=")

    def _keys(self) -> list[SharedKey]:
        derived = self._derived_secrets(DEVICE_PURPOSE)
        return [SharedKey(one, _ALGORITHM) for one in derived]


def new_device_id() -> str:
    """The random id of a device."""
    return secrets.token_urlsafe(16)


def split_marks(value: str | None) -> list[str]:
    """The marks in a cookie's value, as `Devices.join` wrote it."""
    return [] if value is None else value.split(_BETWEEN, KEPT)[:KEPT]
