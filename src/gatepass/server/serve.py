"""Start the server: settings, socket, state, first account, banner; then uvicorn until a signal."""

import contextlib
import errno
import ipaddress
import os
import secrets
import shutil
import socket
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog
import uvicorn

from gatepass._secret_files import with_files
from gatepass.errors import SettingsRejected
from gatepass.http import TrustedProxies
from gatepass.passwords import Passwords
from gatepass.server.accounts import Accounts
from gatepass.server.addresses import read_proxies
from gatepass.server.app import make_app, make_parts
from gatepass.server.banner import write_banner
from gatepass.server.databases import check_events, check_sessions, open_accounts
from gatepass.server.ending import DrainingServer, Workers
from gatepass.server.errors import AccountRejected
from gatepass.server.events import EventSettings, read_event_settings
from gatepass.server.http_protocol import Connection, ConnectionLimit
from gatepass.server.logs import configure_logs, read_level
from gatepass.server.policy import read_http
from gatepass.server.proxy_gate import read_proxy_gate
from gatepass.server.resources import Resources, claim_resources
from gatepass.server.scraping import Scraped, metrics_of_process, sum_of_workers
from gatepass.server.serving import Serving, read_serving
from gatepass.server.staleness import read_staleness
from gatepass.server.state import Environment, State, find_state, read_environment
from gatepass.server.worker import make_worker_app
from gatepass.settings.secrets import find_misnamed

_log = structlog.stdlib.get_logger(__name__)
_WHY_NOT: Final = {
    errno.EADDRINUSE: "it is in use, choose another with --port or GATEPASS_PORT",
    errno.EACCES: "it is reserved, choose one above 1023 with --port or GATEPASS_PORT",
    errno.EADDRNOTAVAIL: "this machine has no such address, choose another with --host",
}


def serve(
    environ: Mapping[str, str],
    here: Path,
    *,
    host: str,
    port: int,
    workers: int = 1,
    scraped: Scraped | None = None,
) -> None:
    """Serve until a signal ends it.

    Args:
        environ: Variables that are set; several workers read the process's own.
        here: The folder in which development keeps its state.
        host: The address to listen on.
        port: The port; 0 takes any.
        workers: The number of processes.
        scraped: The address at which Prometheus finds metrics; by default there are none.

    Raises:
        SettingsRejected: A setting, the address, the port or a database cannot be used.
        StoreUnavailable: A database does not answer, or is of another release.
    """
    environ = with_files(environ)
    environment = read_environment(environ)
    if environment is Environment.DEVELOPMENT:
        _require_loopback(host)
        _require_loopback(host if scraped is None else scraped.host)
        hint = find_misnamed([name for name, value in environ.items() if value])
        if hint is not None:  # production rejects it; here secrets are made up all the same
            sys.stderr.write(f"gatepass: {hint}\n")
    proxies = read_proxies(environ)
    staleness = read_staleness(environ)
    events = read_event_settings(environ)
    serving = read_serving(environ)
    level = read_level(environ)
    state = find_state(environ, here, create=True)
    resources = claim_resources()
    with _listen(host, port, resources.backlog) as listener:
        url = _url(host, listener.getsockname()[1])
        http = read_http(environ, environment, url)
        proxy_gate = read_proxy_gate(environ, state.settings, http.policy)
        accounts = _open(state, events)
        if environment is Environment.DEVELOPMENT:
            sys.stdout.write(_greet(accounts, url) + "\n")
            sys.stdout.flush()
        as_json = environment is Environment.PRODUCTION or events.are_logged
        configure_logs(as_json=as_json, level=level)
        _log.info("serving", host=host, port=listener.getsockname()[1])
        if environment is Environment.PRODUCTION and proxies is None:
            _log.info("no proxy is trusted: behind one, set GATEPASS_TRUSTED_PROXIES")
        configure = partial(_config, proxies=proxies, resources=resources, serving=serving)
        if workers > 1:
            make = partial(make_worker_app, here, url, scraped is not None)
            config = configure(make, factory=True, workers=workers)
            with sum_of_workers(scraped) if scraped else contextlib.nullcontext() as total:
                Workers(config, listener, total).run()
            return
        with metrics_of_process(scraped) if scraped else contextlib.nullcontext() as metrics:
            parts = make_parts(
                state,
                Passwords(),
                http.policy,
                limits=http.limits,
                staleness=staleness,
                events=events,
                has_docs=serving.has_docs,
                metrics=metrics,
            )
            config = configure(make_app(replace(parts, proxy_gate=proxy_gate)))
            with contextlib.suppress(KeyboardInterrupt):  # raised again after an orderly end
                DrainingServer(config).run(sockets=[listener])


def _open(state: State, events: EventSettings) -> Accounts:
    """The accounts, once all databases have been checked.

    Raises:
        SettingsRejected: A database cannot be used, whatever happens.
        StoreUnavailable: A database does not answer, or is of another release.
    """
    check_sessions(state, lambda sentence: sys.stderr.write(f"gatepass: {sentence}\n"))
    accounts = open_accounts(state, Passwords())
    check_events(state, events)
    return accounts


def _config(
    app: Any,
    *,
    proxies: TrustedProxies | None,
    resources: Resources,
    serving: Serving,
    **options: Any,
) -> uvicorn.Config:
    protocol: Any = partial(Connection, limit=ConnectionLimit(resources.connections, proxies))
    return uvicorn.Config(
        app,
        http=protocol,
        loop="asyncio",
        backlog=resources.backlog,
        log_config=None,
        proxy_headers=False,  # `HttpPolicy` reads them, and must see the proxy's address
        server_header=False,
        ws="none",  # there is no socket here, and its log lines show query strings
        headers=[("X-Content-Type-Options", "nosniff")],
        timeout_keep_alive=serving.keep_alive_s,
        timeout_graceful_shutdown=serving.drain_s,
        **options,
    )


def _greet(accounts: Accounts, url: str) -> str:
    """The banner; where there is no account yet, `admin` is made and its password shown."""
    password = _make_admin(accounts) if accounts.is_empty() else None
    has_admin = accounts.find("admin") is not None
    return write_banner(url, has_admin=has_admin, password=password, command=_command())


def _make_admin(accounts: Accounts) -> str | None:
    """The new account's password; `None` when another process made it at the same moment.

    Raises:
        SettingsRejected: The settings allow no account with such claims.
    """
    password = secrets.token_urlsafe(18)
    try:
        accounts.add("admin", password, email="admin@localhost", role="admin")
    except AccountRejected as error:
        if accounts.is_empty():
            raise SettingsRejected(f"the account admin: {error}") from error
        return None
    return password


def _require_loopback(host: str) -> None:
    """Reject addresses that others can reach, while secrets are made up and shown."""
    try:
        reachable = host != "localhost" and not ipaddress.ip_address(host).is_loopback
    except ValueError:
        reachable = True
    if reachable:
        raise SettingsRejected(
            f"in development gatepass binds only loopback addresses, not {host}: "
            "use 127.0.0.1, or set GATEPASS_ENV=production"
        )


def _listen(host: str, port: int, backlog: int) -> socket.socket:
    """A listening socket, so that the address is ours before anything else happens."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            "127.0.0.1" if host == "localhost" else host,
            port,
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE,
        )[0]
        return socket.create_server(
            address[:2],
            family=family,
            backlog=backlog,
            dualstack_ipv6=address[0] == "::" and socket.has_dualstack_ipv6(),
        )
    except (OSError, OverflowError, UnicodeError) as error:  # no host name in IDNA's eyes
        number = error.errno if isinstance(error, OSError) else None
        reason = _WHY_NOT.get(number or 0, "choose others with --host and --port")
        raise SettingsRejected(f"port {port} of {host} cannot be used: {reason}") from error


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _command() -> str:
    """The command that starts this program from this folder."""
    program = Path(sys.argv[0])
    if program.name != "gatepass":
        return "gatepass"
    on_path = shutil.which("gatepass")
    if on_path is not None and Path(on_path).resolve() == program.resolve():
        return "gatepass"
    return os.path.relpath(program)
