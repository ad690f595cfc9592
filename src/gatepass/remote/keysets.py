"""`RemoteKeySet` and its async twin: keys of another issuer as a `KeySource` for verifiers."""

import asyncio
import concurrent.futures
import ssl
from collections.abc import Callable
from typing import ClassVar, Final, Literal, Self, TypedDict, Unpack

from gatepass.errors import SettingsRejected
from gatepass.jose import KeySet
from gatepass.remote._source import RemoteSource, Seconds

_OPENID: Final = "/.well-known/openid-configuration"
_GRACE_S: Final = 1.0


class Options(TypedDict, total=False):
    """The optional arguments of `RemoteKeySet`."""

    algorithm: str | None
    cooldown: Seconds
    timeout: Seconds
    max_age: Seconds
    max_stale: Seconds
    tls: ssl.SSLContext | None
    accept_plain_http_from_host: str | None
    now: Callable[[], float]


class _RemoteKeySet(RemoteSource):
    """The other methods of both twins."""

    @classmethod
    def from_issuer(cls, issuer: str, **options: Unpack[Options]) -> Self:
        """The keys that an issuer's metadata points to.

        It is looked for where OpenID Connect Discovery §4 puts it, then where RFC 8414 §3 does.

        Args:
            issuer: The `iss` of its tokens, which its metadata must repeat exactly.
            options: See `RemoteKeySet`.

        Raises:
            SettingsRejected: The address or a time is not accepted, or the issuer has a query:
                RFC 8414 §2 forbids it, and the path to the metadata would become a part of it.
        """
        address: object = issuer
        if not isinstance(address, str) or "?" in address:
            raise SettingsRejected("an issuer is an https URL without a query")
        return cls(issuer.removesuffix("/") + _OPENID, issuer=issuer, **options)

    @property
    def _wait_limit_s(self) -> float:
        """The longest wait for a fetch, which ends by itself a little earlier."""
        return self._timeout_s + _GRACE_S

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._address.host}>"


class RemoteKeySet(_RemoteKeySet):
    """Keys of another issuer, for `TokenVerifier` and `jose.verify`; they verify, never sign.

    It takes public keys only. An entry that is shared, private, weak or broken is left out.
    """

    is_async: ClassVar[Literal[False]] = False

    def refresh(self) -> KeySet:
        """The keys, fetched now unless `cooldown` forbids it; for a check at start-up.

        Raises:
            KeysUnavailable: No keys are in force.
        """
        return self._fetch(self._now())

    def _fetch(self, wanted_at: float) -> KeySet:
        flight = self._join(wanted_at)
        if flight is not None:
            concurrent.futures.wait((flight,), self._wait_limit_s)
        return self._decide(wanted_at)


class AsyncRemoteKeySet(_RemoteKeySet):
    """`RemoteKeySet` for `AsyncTokenVerifier`; it fetches on a thread of its own."""

    is_async: ClassVar[Literal[True]] = True

    async def refresh(self) -> KeySet:
        """See `RemoteKeySet.refresh`."""
        return await self._fetch(self._now())

    async def _fetch(self, wanted_at: float) -> KeySet:
        flight = self._join(wanted_at)
        if flight is not None:
            await asyncio.wait((asyncio.wrap_future(flight),), timeout=self._wait_limit_s)
        return self._decide(wanted_at)
