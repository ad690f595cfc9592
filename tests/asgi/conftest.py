"""What an application is told of its transport is no answer to a request."""

import logging

import pytest


@pytest.fixture(autouse=True)
def transport_is_not_the_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("gatepass.transport"), "disabled", True)
