"""The `Auth` of a project that names none: keys, database and policy from the environment."""

from django.conf import settings
from django.utils.module_loading import import_string

from gatepass.django.auth import Auth
from gatepass.django.users import DjangoUsers
from gatepass.revocations.sqlite import AsyncSqliteReplica, SqliteReplica
from gatepass.settings import HttpSettings, TokenSettings
from gatepass.stores.sql import AsyncSqlStore


def make_auth() -> Auth:
    """Sync and async managers over one database, and Django's own users.

    The setting `GATEPASS_CLAIMS` may name a function from a user to the claims of its tokens.

    Raises:
        SettingsRejected: A variable is missing or bad; the sentence names it.
    """
    tokens = TokenSettings.from_env()
    claims = getattr(settings, "GATEPASS_CLAIMS", None)
    users = DjangoUsers() if claims is None else DjangoUsers(import_string(claims))
    waiting = AsyncSqlStore.from_url(tokens.sqlite_url)
    store = waiting.twin
    return Auth(
        tokens.manager(store, revocations=SqliteReplica(store), load_claims=users.load_claims),
        twin=tokens.async_manager(
            waiting, revocations=AsyncSqliteReplica(waiting), load_claims=users.aload_claims
        ),
        authenticate=users.authenticate,
        http=HttpSettings.from_env().policy,
    )
