"""The `Auth` of a project that names none: keys, database and policy from the environment."""

from gatepass.django.auth import Auth
from gatepass.django.users import DjangoUsers, find_claims
from gatepass.revocations.sqlite import AsyncSqliteReplica, SqliteReplica
from gatepass.sessions import AsyncStore, Store
from gatepass.settings import HttpSettings, TokenSettings
from gatepass.stores.sql import AsyncSqlStore, SqlStore


def make_auth() -> Auth:
    """Sync and async managers over one database, and Django's own users.

    The setting `GATEPASS_CLAIMS` may name a function from a user to the claims of its tokens.

    Raises:
        SettingsRejected: A variable is missing or bad; the sentence names it.
    """
    tokens, http = TokenSettings.from_env(), HttpSettings.from_env()
    users = DjangoUsers()
    find_claims()  # a bad name is told now
    store, waiting = tokens.store(), tokens.async_store()
    replica, waiting_replica = _replicas(store, waiting)
    return Auth(
        tokens.manager(store, revocations=replica, load_claims=users.load_claims),
        twin=tokens.async_manager(
            waiting, revocations=waiting_replica, load_claims=users.aload_claims
        ),
        authenticate=users.authenticate,
        change_password=users.change_password,
        limits=http.limits,
        http=http.policy,
    )


def _replicas(
    store: Store, waiting: AsyncStore
) -> tuple[SqliteReplica | None, AsyncSqliteReplica | None]:
    """Copies of the revocation log for both, where the database is a SQLite file."""
    if not isinstance(store, SqlStore) or not isinstance(waiting, AsyncSqlStore):
        return None, None
    if store.engine.dialect.name != "sqlite":
        return None, None
    return SqliteReplica(store), AsyncSqliteReplica(waiting)
