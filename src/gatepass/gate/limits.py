"""`GateLimits`: counts the attempts of the auth routes in the store, before anything is checked.

1. All limits of an attempt are counted in one operation of the store, or none of them is.
2. A login that succeeds gives back what it took from the account or from its device. It gives
   nothing back of the limit `login`, which counts the address or a marked device: else a stranger's
   own account would pay for guesses at others, and for logins without end.
3. The store holds no address and no user name, only HMACs, and treats unknown names alike.
"""

import hashlib
import hmac
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from gatepass._maybe_await import settle
from gatepass.errors import StoreUnavailable
from gatepass.gate.devices import Device, Devices, new_device_id
from gatepass.http import Identity, Limits, RequestRefused
from gatepass.http.addresses import blocks_of
from gatepass.http.problems import RATE_LIMITED
from gatepass.manager import AsyncTokenManager, TokenManager
from gatepass.sessions.limits import Bucket

LIMITS_PURPOSE: Final = b"gatepass limits"
"""Names the key that is derived from a refresh secret (HKDF, RFC 5869 §2.3 `info`)."""
_KEY_SIZE: Final = 16
_LOOSE: Final = str.maketrans(
    {"\u0131": "i", "ø": "o", "ł": "l", "đ": "d", "ħ": "h", "æ": "ae", "œ": "oe"}
)
"""Letters that no normal form takes apart, and databases compare as equal (CVE-2019-19844)."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that was counted."""

    to_give_back: tuple[Bucket, ...]
    device: Device | None
    """The device, if it is marked for this user name and the mark still counts."""


class GateLimits:
    """The limits of one service over its manager's store."""

    def __init__(
        self,
        manager: TokenManager | AsyncTokenManager,
        limits: Limits | None,
        now: Callable[[], float],
    ) -> None:
        self._manager = manager
        self._rates = {} if limits is None else limits.rates
        policy = manager.policy
        service = policy.issuer, policy.audience, policy.client_id
        self.devices = Devices(manager.derived_secrets, service, now)

    @property
    def marks_devices(self) -> bool:
        """Whether a good login marks its device."""
        return "device" in self._rates

    async def begin_login(self, username: str, address: str, marks: list[str]) -> Attempt:
        """Count a login; its device is counted alone if it is marked.

        Raises:
            RequestRefused: Too many attempts.
            StoreUnavailable: The store did not count.
        """
        device = await self._find_device(marks, username) if self.marks_devices else None
        if device is None:
            own = self._buckets("account", fold(username))
            shared = tuple(
                bucket
                for block, shares in blocks_of(address)
                for bucket in self._buckets("login", block, shares)
            )
        else:
            own = self._buckets("device", device.device_id)
            shared = self._buckets("login", "device " + device.device_id)
        await self._take((*own, *shared))
        return Attempt(own, device)

    async def give_back(self, attempt: Attempt) -> None:
        """Uncount an attempt that succeeded, or that ended before a password was checked.

        A store that fails now must not turn success into an error: the count stays.
        """
        if attempt.to_give_back:
            with suppress(StoreUnavailable):
                await settle(self._manager.store.give_back(attempt.to_give_back))

    async def mark_device(self, username: str, identity: Identity, known: Device | None) -> str:
        """The mark of the device that this identity has just logged in on.

        The epoch is one that was read before the password was checked, where there is one.

        Raises:
            StoreUnavailable: The subject's epoch was not known and could not be read.
        """
        if known is None or known.subject != identity.subject:
            epoch = identity.epoch
            if epoch is None:
                epoch = await settle(self._manager.subject_epoch(identity.subject))
            known = Device(new_device_id(), identity.subject, epoch)
        return self.devices.mark(username, known)

    async def count_refresh(self, refresh_token: str) -> None:
        """Count a refresh of this token's session, if refreshes are limited.

        Raises:
            TokenMalformed, TokenInvalid: The token proves no session.
            RequestRefused: Too many attempts.
            StoreUnavailable: The store did not count.
        """
        if "refresh" in self._rates:
            session_id = await settle(self._manager.session_id_of(refresh_token=refresh_token))
            await self.begin("refresh", session_id)

    async def begin(self, name: str, key: str) -> Attempt:
        """Count an attempt of one kind, a name of `Limits`, if it is limited.

        Raises:
            RequestRefused: Too many attempts.
            StoreUnavailable: The store did not count.
        """
        buckets = self._buckets(name, key)
        await self._take(buckets)
        return Attempt(buckets, None)

    async def _find_device(self, marks: list[str], username: str) -> Device | None:
        device = self.devices.find(marks, username)
        if device is None:
            return None
        epoch = await settle(self._manager.subject_epoch(device.subject))
        return device if epoch == device.epoch else None

    async def _take(self, buckets: tuple[Bucket, ...]) -> None:
        wait_ms = await settle(self._manager.store.take(buckets)) if buckets else 0
        if wait_ms:
            raise RequestRefused(RATE_LIMITED, retry_after=-(-wait_ms // 1000))

    def _buckets(self, name: str, text: str, shares: int = 1) -> tuple[Bucket, ...]:
        """The bucket of a limit; none if the limit is off."""
        rate = self._rates.get(name)
        if rate is None:
            return ()
        secret = self._manager.derived_secrets(LIMITS_PURPOSE)[0]
        mac = hmac.digest(
            secret, f"{name}\0{text}".encode("utf-8", "surrogatepass"), hashlib.sha256
        )
        return (
            Bucket(key=mac[:_KEY_SIZE], limit=rate.count * shares, window_ms=rate.seconds * 1000),
        )


def fold(username: str) -> str:
    """The form of a user name in which it is counted: coarser than that of applications.

    Databases and applications take `ADA`, `ada ` and `àda` for `ada`, each in its own way. A name
    that is spelt in many ways must not have many times the guesses.
    """
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", username).casefold())
    text = text.translate(_LOOSE)
    kept = "".join(one for one in text if unicodedata.category(one)[0] not in "CMZ")
    return kept or text
