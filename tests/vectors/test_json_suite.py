"""JSONTestSuite's 318 texts as header, as part of a header, as payload, and as a claim."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gatepass.errors import GatepassError
from gatepass.jose import inspect, verify
from tests.attacks.target import KEY, SIGN, claims_text, forged, verify_sync
from tests.jose.forge import compact
from tests.vectors.published import VECTORS

pytestmark = pytest.mark.vectors


def _cases() -> Iterator[Any]:
    for path in sorted((VECTORS / "JSONTestSuite/test_parsing").iterdir()):
        yield pytest.param(path.name[:1], path.read_bytes(), id=path.stem)


CASES = list(_cases())
GOOD = [case for case in CASES if case.values[0] == "y"]
BAD = [case for case in CASES if case.values[0] == "n"]


def test_all_318_texts_are_here() -> None:
    assert (len(CASES), len(GOOD), len(BAD)) == (318, 95, 188)


@pytest.mark.parametrize(("label", "text"), CASES)
def test_text_as_header_is_refused(label: str, text: bytes) -> None:
    assert label in "yni"

    with pytest.raises(GatepassError):
        verify(compact(text, b"{}", SIGN), KEY)


@pytest.mark.parametrize(("label", "text"), CASES)
def test_text_inside_a_header_is_refused_or_read(label: str, text: bytes) -> None:
    token = compact(b'{"alg":"HS256","x":' + text + b"}", b"{}", SIGN)

    try:
        header = verify(token, KEY).header
    except GatepassError:
        # Valid JSON, but names are unique in a header (RFC 7515 §4).
        assert label != "y" or b'"a"' in text
    else:
        assert label != "n"
        assert header == inspect(token).header


@pytest.mark.parametrize(("label", "text"), CASES)
def test_text_as_payload_is_refused(label: str, text: bytes) -> None:
    assert label in "yni"

    with pytest.raises(GatepassError):
        verify_sync(forged(text))


@pytest.mark.parametrize(("label", "text"), BAD)
def test_broken_text_as_claim_is_refused(label: str, text: bytes) -> None:
    assert label == "n"

    with pytest.raises(GatepassError):
        verify_sync(forged(claims_text(b'"x":' + text)), max_size=1_000_000)
    with pytest.raises(GatepassError):
        verify_sync(forged(b'{"x":' + text + b"," + claims_text(b'"y":1')[1:]))


@pytest.mark.parametrize(("label", "text"), GOOD)
def test_good_text_as_claim_is_read(label: str, text: bytes) -> None:
    assert label == "y"

    assert verify_sync(forged(claims_text(b'"x":' + text)))["x"] == json.loads(text)


@pytest.mark.parametrize(("label", "text"), CASES)
def test_text_as_claim_raises_nothing_but_our_own_errors(label: str, text: bytes) -> None:
    try:
        verify_sync(forged(claims_text(b'"x":' + text)), max_size=1_000_000)
    except GatepassError:
        assert label != "y"
