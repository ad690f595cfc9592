"""The auth server as an ASGI application: `Auth` over a store with its replica, and a purge."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from fastapi import FastAPI, Response

from gatepass.fastapi import Auth, HttpPolicy, Limits, ProxyGate
from gatepass.fastapi.responses import send
from gatepass.http import DEFAULT_LIMITS
from gatepass.manager import AsyncTokenManager
from gatepass.metrics import Metrics
from gatepass.passwords import PasswordPool, Passwords
from gatepass.revocations import replica_of
from gatepass.server.accounts import Accounts
from gatepass.server.addresses import LoggedClient
from gatepass.server.databases import open_accounts, open_events
from gatepass.server.document import ABOUT, READY, RUNS
from gatepass.server.error_handlers import answer_the_rest
from gatepass.server.events import EventSettings, EventWriter
from gatepass.server.limits import AtOnce
from gatepass.server.login import PasswordLogin
from gatepass.server.pages import add_pages
from gatepass.server.purge import purge_for_ever
from gatepass.server.readiness import Follows, Readiness
from gatepass.server.resources import quieten
from gatepass.server.scraping import update_for_ever
from gatepass.server.staleness import Staleness
from gatepass.server.state import State

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of the server; tests bring their own."""

    manager: AsyncTokenManager
    replica: Follows
    accounts: Accounts
    events: EventWriter
    pool: PasswordPool
    limits: Limits | None = DEFAULT_LIMITS
    at_once: AtOnce = field(default_factory=AtOnce)
    policy: HttpPolicy = field(default_factory=HttpPolicy)
    proxy_gate: ProxyGate | None = None
    has_docs: bool = True
    metrics: Metrics | None = None


def make_parts(
    state: State,
    passwords: Passwords,
    policy: HttpPolicy | None = None,
    *,
    limits: Limits = DEFAULT_LIMITS,
    staleness: Staleness | None = None,
    events: EventSettings | None = None,
    has_docs: bool = True,
    metrics: Metrics | None = None,
) -> Parts:
    """The parts over the state's databases; a SQLite file is made or upgraded now.

    Args:
        state: The settings and databases to serve.
        passwords: Hashes and checks passwords.
        policy: Cookies, origins and https; by default tokens come in headers only.
        limits: How often passwords may be tried.
        staleness: How old the copy of the revocation log may be, and the policy for older ones.
        events: How long events are kept.
        has_docs: Whether the interactive page and the OpenAPI document are there.
        metrics: Counts and times what happens; by default nothing does.

    Raises:
        StoreUnavailable: A database cannot be opened.
    """
    accounts = open_accounts(state, passwords)
    store = state.settings.async_store()

    async def load_claims(
        subject: str, session_claims: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        return await asyncio.to_thread(accounts.load_claims, subject, session_claims)

    bounds = staleness or Staleness()
    replica: Follows = replica_of(
        store, max_staleness=bounds.max_staleness, when_stale=bounds.when_stale
    )
    writer = EventWriter(open_events(state, events or EventSettings()))
    manager = state.settings.async_manager(
        store if metrics is None else metrics.timed(store),
        revocations=replica,
        load_claims=load_claims,
        on_event=writer.hook if metrics is None else metrics.counting(writer.hook),
    )
    return Parts(
        manager=manager,
        replica=replica,
        accounts=accounts,
        events=writer,
        pool=PasswordPool(),
        limits=limits,
        policy=policy or HttpPolicy(),
        has_docs=has_docs,
        metrics=metrics,
    )


def make_app(parts: Parts) -> FastAPI:
    """The application: the routes of `Auth`, two of health, and the pages `/` and `/docs`."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        quieten(asyncio.get_running_loop())
        await parts.replica.start()
        work = [asyncio.create_task(purge_for_ever(parts.manager, parts.events.table))]
        if parts.metrics is not None:
            work.append(asyncio.create_task(update_for_ever(parts.metrics)))
        try:
            yield
        finally:
            await _cancel(work)
            await asyncio.to_thread(parts.pool.close)
            await parts.replica.close()
            await parts.manager.close()
            await asyncio.to_thread(parts.events.close)
            await asyncio.to_thread(parts.accounts.close)

    # A redirect behind a TLS proxy would name http:, and clients would send the password there.
    app = FastAPI(
        **ABOUT,
        lifespan=lifespan,
        servers=[{"url": "."}],  # the folder of the document: it may be below a proxy's prefix
        openapi_url="/openapi.json" if parts.has_docs else None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    answer_the_rest(app)

    async def change_password(subject: str, current: str, new: str) -> bool:
        return await parts.pool.run(parts.accounts.change_password, subject, current, new)

    login = PasswordLogin(parts.accounts, parts.manager, parts.pool)
    auth = Auth(
        parts.manager,
        authenticate=login.authenticate,
        change_password=change_password,
        limits=parts.limits,
        http=parts.policy,
        proxy_gate=parts.proxy_gate,
    )
    log_in = auth.require_gate().login
    assert log_in is not None  # noqa: S101 - there is `authenticate`
    log_in.hold = parts.at_once.hold
    auth.install(app)
    if parts.metrics is not None:
        parts.metrics.follow(auth)

    @app.head("/healthz", include_in_schema=False)
    @app.get("/healthz", tags=["health"], summary="Tell whether the process runs", responses=RUNS)
    async def healthz() -> dict[str, str]:
        """For restarts; always `ok`."""
        return {"status": "ok"}

    add_pages(app, has_docs=parts.has_docs)
    if parts.policy.trusted_proxies:
        app.add_middleware(LoggedClient, proxies=parts.policy.proxies)
    readiness = Readiness(parts.accounts, parts.manager, parts.replica)

    @app.head("/readyz", include_in_schema=False)
    @app.get(
        "/readyz",
        tags=["health"],
        summary="Tell whether requests can be answered",
        responses=READY,
    )
    async def readyz() -> Response:
        """For load balancers: which parts are stale or down, and for how long."""
        return send(await readiness.answer())

    return app


async def _cancel(work: Iterable[asyncio.Task[None]]) -> None:
    """End the tasks; one that failed earlier is logged."""
    for task in work:
        task.cancel()
    for ended in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(ended, Exception):
            _log.error("a background task failed", exc_info=ended)
