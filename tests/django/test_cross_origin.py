"""A front end on another port, with Django: preflights of its project, and why they fail."""

import logging

import pytest
from django.test import Client

from tests.django.auth import ORIGIN

ASKS = {"Access-Control-Request-Method": "POST"}


@pytest.mark.parametrize("path", ["/api/auth/login", "/api/auth/csrf", "/api/auth/sessions/x"])
def test_a_page_of_ours_may_call_the_auth_routes(client: Client, path: str) -> None:
    asked = client.options(path, headers={"Origin": ORIGIN, **ASKS})

    assert asked.status_code == 204
    assert asked.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert asked.headers["Access-Control-Allow-Credentials"] == "true"


def test_a_rejected_preflight_is_told_with_its_cure(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "gatepass")
    client.options("/api/auth/login", headers={"Origin": "http://localhost:3000", **ASKS})
    client.options("/plain", headers={"Origin": ORIGIN, **ASKS})
    told = [record.getMessage() for record in caplog.records if record.name == "gatepass"]

    assert len(told) == 2
    assert told[0].startswith("preflight rejected: the page's origin http://localhost:3000 is not")
    assert told[1].startswith(f"preflight rejected: public_origins lets {ORIGIN} read the auth")
