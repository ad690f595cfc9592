"""One of several server processes: it opens the state that the first one made and checked."""

import os
from dataclasses import replace
from pathlib import Path

from fastapi import FastAPI

from gatepass._secret_files import with_files
from gatepass.passwords import Passwords
from gatepass.server.app import make_app, make_parts
from gatepass.server.events import read_event_settings
from gatepass.server.logs import configure_logs, read_level
from gatepass.server.policy import read_http
from gatepass.server.proxy_gate import read_proxy_gate
from gatepass.server.scraping import make_metrics
from gatepass.server.serving import read_serving
from gatepass.server.staleness import read_staleness
from gatepass.server.state import Environment, find_state


def make_worker_app(here: Path, url: str, has_metrics: bool) -> FastAPI:  # noqa: FBT001 - of a partial
    """The application of this process at this address, over the environment it inherited."""
    environ = with_files(os.environ)
    state = find_state(environ, here, create=False)
    events = read_event_settings(environ)
    as_json = state.environment is Environment.PRODUCTION or events.are_logged
    configure_logs(as_json=as_json, level=read_level(environ))
    http = read_http(environ, state.environment, url)
    staleness = read_staleness(environ)
    has_docs = read_serving(environ).has_docs
    proxy_gate = read_proxy_gate(environ, state.settings, http.policy)
    parts = make_parts(
        state,
        Passwords(),
        http.policy,
        limits=http.limits,
        staleness=staleness,
        events=events,
        has_docs=has_docs,
        metrics=make_metrics() if has_metrics else None,
    )
    return make_app(replace(parts, proxy_gate=proxy_gate))
