"""`PasswordLogin`: the `authenticate` of the server."""

import asyncio
from dataclasses import dataclass

from gatepass.events import note_subject
from gatepass.http import Identity
from gatepass.manager import AsyncTokenManager
from gatepass.passwords import PasswordPool
from gatepass.server.accounts import Accounts


@dataclass(frozen=True, slots=True)
class PasswordLogin:
    """Checks user names and passwords; an unknown name costs what a wrong password costs."""

    accounts: Accounts
    manager: AsyncTokenManager
    pool: PasswordPool

    async def authenticate(self, username: str, password: str) -> Identity | None:
        """The identity of this account, or `None`.

        The epoch is read before the row that holds the hash: a change of the password
        changes the row first, so an old password never comes with a new epoch.

        Raises:
            RequestRefused: Too many logins wait for argon2.
        """
        subject = await asyncio.to_thread(self.accounts.subject_of, username)
        epoch = await self.manager.subject_epoch(subject)
        account = await self.pool.run(self.accounts.check_password, subject, password)
        if account is None:
            # The query also runs for unknown names, so that both take the same time.
            if await asyncio.to_thread(self.accounts.find_subject, subject) is not None:
                note_subject(subject)
            return None
        return Identity(account.subject, account.claims, epoch)
