"""The project's `Auth`: sync and async managers over one memory, and a store that can fail."""

from gatepass import AsyncTokenManager, TokenManager, TokenPolicy
from gatepass.django import Auth, Cookies, DjangoUsers, HttpPolicy
from gatepass.errors import StoreUnavailable
from gatepass.events import Event
from gatepass.jose import SharedKey
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore

ACCESS = SharedKey.from_secret("vT4mQ8xZ2pLw7RkJ9sYcD3fHbN6gUe1a")
REFRESH = SharedKey.from_secret("Kq5WzX1rB8nEo3TjM7uPyV2hGdS9cLf6")
POLICY = TokenPolicy(issuer="api-server", audience="api-client")
ORIGIN = "http://testserver"
HTTP = HttpPolicy(cookies=Cookies(insecure_for_development_over_http=True), public_origins=[ORIGIN])


class OutageStore(MemoryStore):
    """A memory store whose database goes away when told to."""

    is_down = False

    def revoke_subject(
        self, subject: str, *, reason: str, keep: str | None = None, keep_keys: bool = False
    ) -> int:
        if self.is_down:
            raise StoreUnavailable
        return super().revoke_subject(subject, reason=reason, keep=keep, keep_keys=keep_keys)

    def subject_epoch(self, subject: str) -> int:
        if self.is_down:
            raise StoreUnavailable
        return super().subject_epoch(subject)


users = DjangoUsers(lambda user: {"username": user.get_username(), "role": "user"})
store = OutageStore()
heard: list[Event] = []
"""The events of both managers."""
manager = TokenManager(
    POLICY,
    access_keys=ACCESS,
    refresh_keys=REFRESH,
    store=store,
    load_claims=users.load_claims,
    on_event=heard.append,
)
auth = Auth(
    manager,
    authenticate=users.authenticate,
    change_password=users.change_password,
    limits=None,
    http=HTTP,
)
waiting = AsyncTokenManager(
    POLICY,
    access_keys=ACCESS,
    refresh_keys=REFRESH,
    store=AsyncMemoryStore(),
    load_claims=users.aload_claims,
    on_event=heard.append,
)
async_auth = Auth(
    waiting,
    authenticate=users.authenticate,
    change_password=users.change_password,
    limits=None,
    http=HTTP,
)
sync_signed_in = auth.required()
async_signed_in = async_auth.required()
