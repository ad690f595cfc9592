"""Every attack on a verifier runs against both twins; on sessions, over every store too."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatepass import AccessClaims
from gatepass.errors import GatepassError
from gatepass.jose import Key, KeySet
from tests.attacks.service import KINDS, Service
from tests.attacks.target import KEY, Verify, verify_async, verify_sync


def _verify_both(token: Any, keys: Key | KeySet = KEY, **options: Any) -> AccessClaims:
    try:
        accepted = verify_sync(token, keys, **options)
    except GatepassError as refusal:
        with pytest.raises(type(refusal), match=f"^{re.escape(str(refusal))}$"):
            verify_async(token, keys, **options)
        raise
    assert verify_async(token, keys, **options) == accepted
    return accepted


@pytest.fixture
def verify() -> Verify:
    """Both verifiers of the service, at a fixed time; they give the same answer."""
    return _verify_both


@pytest.fixture
def access_format() -> str:
    """The form of the service's access tokens; a test may name both."""
    return "jwt"


@pytest.fixture(params=KINDS)
def service(
    request: pytest.FixtureRequest, tmp_path: Path, access_format: str
) -> Iterator[Service]:
    """A whole service over one of the stores."""
    service = Service(request.param, tmp_path, access_format)
    yield service
    service.close()
