"""Twenty tabs of one browser refresh at once: all are served, with the same cookie."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.web.rows.row import Call
from tests.web.stage import Stage
from tests.web.target import Running
from tests.web.test_rows import send

pytestmark = [
    pytest.mark.web,
    pytest.mark.parametrize("stage", ["development"], indirect=True),
]

REFRESH = Call(
    "POST /auth/refresh",
    ("Cookie: <A>=<access>; <R>=<refresh>", "Origin: <origin>", "X-CSRF-Token: <csrf_of_session>"),
)


def refresh_cookie(response: httpx.Response) -> str:
    [cookie] = [
        line for line in response.headers.get_list("set-cookie") if "gatepass-refresh=" in line
    ]
    return cookie.partition(";")[0]


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
