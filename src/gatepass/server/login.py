"""Log-ins with a password: what `Auth` asks."""

import asyncio
import math

from gatepass.http import Identity, RequestRefused
from gatepass.http.problems import RATE_LIMITED
from gatepass.manager import AsyncTokenManager
from gatepass.server.accounts import Accounts
from gatepass.server.limits import AccountLimit
from gatepass.server.passwords import PasswordPool


class PasswordLogin:
    """Checks user names and passwords; an unknown name costs what a wrong password costs."""

    def __init__(
        self,
        accounts: Accounts,
        manager: AsyncTokenManager,
        pool: PasswordPool,
        limit: AccountLimit,
    ) -> None:
        self._accounts = accounts
        self._manager = manager
        self._pool = pool
        self._limit = limit

    async def authenticate(self, username: str, password: str) -> Identity | None:
        """Who this is, or `None`.

        The epoch is read before the row that holds the hash: whoever changes the password
        changes the row first, so an old password never comes with a new epoch.

        Raises:
            RequestRefused: Too many log-ins, of this account or of all.
        """
        subject = await asyncio.to_thread(self._accounts.subject_of, username)
        wait = self._limit.wait(subject)
        if wait is not None:
            raise RequestRefused(RATE_LIMITED, retry_after=math.ceil(wait))
        epoch = await self._manager.subject_epoch(subject)
        account = await self._pool.run(self._accounts.check_password, subject, password)
        if account is None:
            return None
        self._limit.count(subject)
        return Identity(account.subject, account.claims, epoch)
