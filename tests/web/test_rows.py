"""Every row of the table, against every framework behind a real server and `gatepass serve`."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

import httpx
import pytest
from sqlalchemy import select

from gatepass.stores.sql import tables
from tests.budget import until
from tests.web.apps.observed import METRICS_PATH, SPANS
from tests.web.apps.parts import EVENTS, PASSWORDS
from tests.web.rows import SHEETS
from tests.web.rows.row import JSON, Call, Row
from tests.web.stage import ACCESS_SECRET, PREVIOUS_SECRET, REFRESH_SECRET, Stage
from tests.web.target import Running

WATCHED: Final = (
    "content-type",
    "cache-control",
    "www-authenticate",
    "set-cookie",
    "retry-after",
    "location",
    "etag",
    "strict-transport-security",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-max-age",
    "access-control-expose-headers",
    "x-auth-subject",
    "x-auth-role",
    "x-auth-scope",
    "x-auth-team",
    "x-auth-kind",
)
"""Every header that must be exactly as wanted, and absent where it is not."""


def send(stage: Stage, program: Running, call: Call, peer: str) -> httpx.Response:
    """Make a call with exactly these header lines."""
    method, _, path = stage.fill(call.line).partition(" ")
    lines = (stage.fill(line).partition(": ") for line in call.headers)
    headers = [(name, value) for name, _, value in lines]
    stage.saw(f"{stage.fill(call.body)} {headers}")
    transport = httpx.HTTPTransport(local_address=peer)
    with httpx.Client(transport=transport) as client:
        body = stage.fill(call.body).encode() if call.body else None
        answer = client.request(method, program.url + path, headers=headers, content=body)
    stage.saw(f"{answer.text} {answer.headers}")
    return answer


@contextmanager
def outage(stage: Stage, row: Row) -> Iterator[None]:
    """The database's files are elsewhere for a row that wants it so."""
    if not row.is_down:
        yield
        return
    for line in (row.call.line, *row.call.headers, row.call.body):
        stage.fill(line)  # tokens are made while there is a database
    elsewhere = stage.folder / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    files = [file.name for file in stage.folder.glob(f"{stage.database.name}*")]
    for name in files:
        (stage.folder / name).rename(elsewhere / name)
    time.sleep(0.02)  # so long a rotation may not have looked
    try:
        yield
    finally:
        for name in files:
            (elsewhere / name).rename(stage.folder / name)


@pytest.mark.parametrize("sheet", SHEETS)
def test_every_answer_is_the_tables(
    sheet: str, stage: Stage, program: Running, subtests: pytest.Subtests
) -> None:
    for row in SHEETS[sheet]:
        if stage.plays(row.variant) and (stage.target.has_routes or not row.needs_routes):
            with subtests.test(row.name):
                check(row, stage, program)


def check(row: Row, stage: Stage, program: Running) -> None:
    """Play one scenario."""
    stage.begin()
    for call in row.first:
        stage.answered(send(stage, program, call, row.peer).content)
    with outage(stage, row):
        response = send(stage, program, row.call, row.peer)

    assert response.status_code == row.want.status, response.text
    assert stage.pattern(row.want.body).fullmatch(response.text), response.text
    # Some frameworks name a route's methods on every answer; it matters where one was wrong.
    for name in (*WATCHED, *(["allow"] if row.want.status == 405 else [])):
        wanted = [
            value
            for key, _, value in (line.partition(": ") for line in row.want.headers)
            if key.lower() == name
        ]
        found = response.headers.get_list(name)
        assert len(found) == len(wanted), (name, found)
        for text, value in zip(wanted, found, strict=True):
            assert stage.pattern(text).fullmatch(value), (name, value, text)
    if "Vary: Origin" in row.want.headers:  # frameworks have more to name there
        assert "Origin" in response.headers["vary"].split(", ")


def told_by(stage: Stage, program: Running) -> str:
    """All events so far: those of an application, or the lines and the rows of the server."""
    if program.target.has_routes:
        return (program.log.parent / EVENTS).read_text()
    lines = [line for line in program.log.read_text().splitlines() if '"event": "event"' in line]
    with stage.store.engine.connect() as connection:
        rows = [repr(row) for row in connection.execute(select(tables.events))]
    return "\n".join([*lines, *rows]) if len(rows) == len(lines) else ""


def watched_of(stage: Stage, program: Running) -> tuple[str, str]:
    """All metrics of a program, and all spans of an application's requests."""
    if not program.target.has_routes:
        return httpx.get(f"http://127.0.0.1:{stage.metrics_port}/metrics").text, ""
    metrics = httpx.get(program.url + METRICS_PATH).text
    return metrics, (program.log.parent / SPANS).read_text()


def test_no_event_metric_or_span_holds_a_token_a_password_or_a_name_that_is_no_account(
    stage: Stage, program: Running
) -> None:
    stage.begin()
    address, peer = "127.0.0.77", "127.0.0.77"
    behind: tuple[str, ...] = ()
    if stage.variant == "production":
        address, peer = "198.51.100.77", "127.0.0.1"
        behind = ("X-Forwarded-Proto: https", f"X-Forwarded-For: {address}")
    for body in (
        '{"username":"hunter2-typed-as-a-name","password":"hunter2-password"}',
        '{"username":"ada","password":"<password>"}',
    ):
        answer = send(stage, program, Call("POST /auth/login", (JSON, *behind), body), peer)
    session_id = answer.json()["session_id"]
    until(lambda: session_id in told_by(stage, program))

    told = told_by(stage, program)
    assert "login_failed" in told
    assert address in told
    secrets = {*stage.secrets, *PASSWORDS.values(), ACCESS_SECRET, REFRESH_SECRET, PREVIOUS_SECRET}
    assert len(secrets) > len({"hunter2-typed-as-a-name", "hunter2-password"})
    metrics, spans = watched_of(stage, program)
    assert 'gatepass_rejections_total{code="invalid_credentials"}' in metrics
    assert "'gatepass.outcome': 'invalid_credentials'" in spans or not program.target.has_routes
    for text in (told, metrics, spans):
        assert [secret for secret in secrets if secret in text] == []


def test_the_table_has_a_hundred_scenarios_and_more() -> None:
    names = [row.name for rows in SHEETS.values() for row in rows]

    assert len(set(names)) == len(names) > 200


REFRESH = Call(
    "POST /auth/refresh",
    ("Cookie: <A>=<access>; <R>=<refresh>", "Origin: <origin>", "X-CSRF-Token: <csrf_of_session>"),
)


def refresh_cookie(response: httpx.Response) -> str:
    [cookie] = [
        line for line in response.headers.get_list("set-cookie") if "gatepass-refresh=" in line
    ]
    return cookie.partition(";")[0]


@pytest.mark.web
@pytest.mark.parametrize("stage", ["development"], indirect=True)
def test_twenty_racing_refreshes_end_with_one_cookie(stage: Stage, program: Running) -> None:
    stage.begin()
    for line in REFRESH.headers:
        stage.fill(line)
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: send(stage, program, REFRESH, "127.0.0.1"), range(20)))
    [session] = [
        session
        for session in stage.manager().sessions(stage.subjects["ada"])
        if session.session_id == stage.value("session_of_access")
    ]

    assert [answer.status_code for answer in answers] == [200] * 20
    assert len({refresh_cookie(answer) for answer in answers}) == 1
    assert session.generation == 1
