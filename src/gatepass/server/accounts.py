"""Accounts that may log in; they are in the SQL database, also if sessions are in Redis."""

import hmac
import secrets
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final

import structlog
from sqlalchemy import ColumnElement, Engine, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from gatepass.errors import ClaimsRejected, PasswordRejected, StoreUnavailable
from gatepass.passwords import Passwords
from gatepass.server.account import SUBJECT_DIGITS, Account, now
from gatepass.server.account_sessions import EndsSessions, end_sessions
from gatepass.server.errors import AccountRejected
from gatepass.server.usernames import find_username, parse_username
from gatepass.stores.sql.tables import accounts as _table
from gatepass.stores.sql.tables import meta as _meta
from gatepass.stores.sql.transactions import durable_transaction
from gatepass.tokens import TokenPolicy
from gatepass.tokens.policy import require_claims

_log = structlog.stdlib.get_logger(__name__)
_SELECT: Final = select(*(column for column in _table.c if column.name != "lot"))


class Accounts:
    """The accounts of one database; every operation is one short transaction of its own.

    Raises:
        StoreUnavailable: The database did not answer within two seconds, or is gone.
    """

    def __init__(
        self, engine: Engine, passwords: Passwords, policy: TokenPolicy | None = None
    ) -> None:
        """Use a database that has the tables.

        Accounts whose claims the policy does not allow cannot log in; by default all can.
        """
        self._transaction = partial(durable_transaction, engine)
        self.close: Callable[[], None] = engine.dispose
        """Gives back the connections."""
        self._passwords = passwords
        self._policy = policy

    def add(
        self, username: str, password: str, *, email: str | None = None, role: str = "user"
    ) -> Account:
        """Make an account.

        Raises:
            AccountRejected: The user name is taken, a value is out of bounds, or the policy does
                not allow such claims.
            PasswordRejected: See `Passwords.hash_new`.
        """
        name = parse_username(username)
        password_hash = self._passwords.hash_new(password, name)
        account = Account.new(name, password_hash, email=email, role=role)
        self.require_fitting(account)
        try:
            self.add_all([account])
        except IntegrityError:
            raise AccountRejected(f"the user name {account.username} is taken") from None
        return account

    def add_all(self, accounts: Collection[Account]) -> None:
        """Add all of these accounts in one transaction, or none.

        Raises:
            IntegrityError: A user name or subject is taken.
        """
        values = [
            {name: getattr(account, name) for name in Account.__slots__}
            | {"lot": secrets.token_hex(SUBJECT_DIGITS // 2)}
            for account in accounts
        ]
        with self._transaction() as connection:
            connection.execute(insert(_table), values)

    def find_any(self, usernames: Collection[str], subjects: Collection[str]) -> "list[Account]":
        """The accounts that have one of these user names or subjects."""
        condition = _table.c.username.in_(usernames) | _table.c.subject.in_(subjects)
        with self._transaction() as connection:
            return [_account(row) for row in connection.execute(_SELECT.where(condition))]

    def list(self) -> list[Account]:
        """All accounts, by user name."""
        with self._transaction() as connection:
            return [
                _account(row) for row in connection.execute(_SELECT.order_by(_table.c.username))
            ]

    def is_empty(self) -> bool:
        """Whether there is no account yet."""
        with self._transaction() as connection:
            return connection.execute(select(_table.c.subject).limit(1)).first() is None

    def get(self, username: str) -> Account:
        """The account of this user name.

        Raises:
            AccountRejected: No account has this user name.
        """
        account = self.find(username)
        if account is None:
            raise AccountRejected("there is no account of this user name")
        return account

    def get_owner(self, text: str) -> Account:
        """The account of this user name or of this subject.

        Raises:
            AccountRejected: No account has it, or one has it as subject and another as user name.
        """
        of_subject = self.find_subject(text)
        if of_subject is None:
            return self.get(text)
        named = self.find(text)
        if named is not None and named.subject != text:
            raise AccountRejected(
                f"{text} is the subject of {of_subject.username} and the user name of another: "
                f"use {of_subject.username} or {named.subject}"
            )
        return of_subject

    def find(self, username: str) -> Account | None:
        """The account of this user name, in any spelling."""
        return self._find(_table.c.username == (find_username(username) or ""))

    def find_subject(self, subject: str) -> Account | None:
        """The account that tokens name so."""
        return self._find(_table.c.subject == subject)

    def load_claims(
        self, subject: str, _session_claims: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        """The claims of the moment for a refresh; `None`: disabled, gone, or not allowed."""
        account = self.find_subject(subject)
        if account is None or account.disabled or not self._fits(account):
            return None
        return account.claims

    def subject_of(self, username: str) -> str:
        """The subject of this user name; for an unknown name a stand-in, always the same.

        Only an attacker with the database can tell which user names have a stand-in.
        """
        name = find_username(username) or username
        with self._transaction() as connection:
            query = select(_table.c.subject).where(
                _table.c.username == (find_username(username) or "")
            )
            found = connection.execute(query).scalar()
            key: str = connection.execute(select(_meta.c.log_identity)).scalar_one()
        message = name.encode("utf-8", "surrogatepass")
        stand_in = hmac.digest(key.encode(), message, "sha256").hex()[:SUBJECT_DIGITS]
        return stand_in if found is None else found

    def check_password(self, subject: str, password: str) -> Account | None:
        """The account, if the password is its own; one verification in every case.

        An unknown subject costs the work of some account's hash, always the same account's:
        otherwise the time of hashes with older parameters, or of another program's, would show
        which accounts exist. `lot` is random, so that each kind of hash is chosen as often as
        accounts have it, whatever subjects an import brought: a name that costs as bcrypt does is
        as likely to be nobody's as one that costs as argon2 does. Once that account's hash is made
        anew, the unknown names that it stands for change their costs once, as known ones do.
        """
        by_lot = _SELECT.order_by(_table.c.lot).limit(1)
        with self._transaction() as connection:
            own = connection.execute(_SELECT.where(_table.c.subject == subject)).first()
            like = (
                connection.execute(by_lot.where(_table.c.lot >= subject)).first()
                or connection.execute(by_lot).first()
            )
        if own is None or own.disabled:
            row = own or like
            self._passwords.refuse(password, like=None if row is None else row.password_hash)
            return None
        account = _account(own)
        if not self._passwords.verify(account.password_hash, password):
            return None
        if not self._fits(account):
            return None
        if self._passwords.needs_rehash(account.password_hash):
            self._rehash(account, password)
        return account

    def disable(self, username: str, sessions: EndsSessions) -> int:
        """Reject further logins and end the account's sessions; how many ended."""
        subject = self._change(username, disabled=True)
        return end_sessions(sessions, subject, "account disabled")

    def enable(self, username: str) -> None:
        """Let the account log in again; its old sessions stay ended."""
        self._change(username, disabled=False)

    def set_password(self, username: str, password: str, sessions: EndsSessions) -> int:
        """Change the password and end the account's sessions; how many ended.

        The new password is durable first, then sessions end: a login with the old one that
        is under way has read the epoch before, and loses.

        Raises:
            AccountRejected: No account has this user name.
            PasswordRejected: See `Passwords.hash_new`.
        """
        password_hash = self._passwords.hash_new(password, find_username(username) or "")
        subject = self._change(username, password_hash=password_hash)
        return end_sessions(sessions, subject, "password changed")

    def change_password(self, subject: str, current: str, new: str) -> bool:
        """Change the password of an account; whether the current one was right.

        `True` also where the new one holds already: the answer to an earlier call was lost. The
        caller ends the account's sessions after that.

        Raises:
            PasswordRejected: See `Passwords.hash_new`.
        """
        account = self.find_subject(subject)
        if account is None or account.disabled:
            return False
        if not self._passwords.verify(account.password_hash, current):
            return self._passwords.verify(account.password_hash, new)
        password_hash = self._passwords.hash_new(new, account.username)
        changed = self._replace_hash(account, password_hash, updated_ms=now())
        # The hash may have been made anew meanwhile, at another login with the same password.
        return changed or self.change_password(subject, current, new)

    def require_fitting(self, account: Account) -> None:
        """Return when the policy allows tokens about this account.

        Raises:
            AccountRejected: The policy does not.
        """
        misfit = self._find_misfit(account)
        if misfit is not None:
            raise AccountRejected(f"nobody could log in to this account: {misfit}")

    def _fits(self, account: Account) -> bool:
        """Whether the account's tokens would be accepted; the log says why not."""
        misfit = self._find_misfit(account)
        if misfit is not None:
            _log.warning("an account cannot log in", subject=account.subject, reason=misfit)
        return misfit is None

    def _find_misfit(self, account: Account) -> str | None:
        try:
            if self._policy is not None:
                require_claims(self._policy, account.claims)
        except ClaimsRejected as error:
            return f"{error} (JWT_REQUIRED_CLAIMS, JWT_ALLOWED_VALUES)"
        return None

    def _find(self, condition: ColumnElement[bool]) -> Account | None:
        with self._transaction() as connection:
            row = connection.execute(_SELECT.where(condition)).first()
        return None if row is None else _account(row)

    def _change(self, username: str, **values: object) -> str:
        """Change the account's row; the subject."""
        subject = self.get(username).subject
        with self._transaction() as connection:
            connection.execute(
                update(_table).where(_table.c.subject == subject).values(**values, updated_ms=now())
            )
        return subject

    def _rehash(self, account: Account, password: str) -> None:
        """Keep a hash of today's parameters, unless the password was changed meanwhile."""
        with suppress(StoreUnavailable, PasswordRejected):  # the next login tries again
            self._replace_hash(account, self._passwords.hash(password))

    def _replace_hash(self, account: Account, password_hash: str, **values: object) -> bool:
        """Keep another hash; `False`: the password was changed since the account was read."""
        unchanged = _table.c.password_hash == account.password_hash
        with self._transaction() as connection:
            changed = connection.execute(
                update(_table)
                .where(_table.c.subject == account.subject, unchanged)
                .values(**values, password_hash=password_hash)
            )
            return changed.rowcount == 1


def _account(row: Row[Any]) -> Account:
    return Account(**row._asdict())
