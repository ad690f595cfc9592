"""JSONTestSuite's 318 texts as header, as part of a header, as payload, and as a claim."""

import json

import pytest

from gatepass.errors import GatepassError
from gatepass.jose import inspect, verify
from tests.attacks.target import KEY, SIGN, claims_text, forged, verify_sync
from tests.cases import case
from tests.jose.forge import compact
from tests.vectors.published import VECTORS

pytestmark = pytest.mark.vectors


CASES = [
    (path.name, path.read_bytes())
    for path in sorted((VECTORS / "JSONTestSuite/test_parsing").iterdir())
]


def test_all_318_texts_are_here() -> None:
    labels = [name[0] for name, _ in CASES]

    assert (len(labels), labels.count("y"), labels.count("n")) == (318, 95, 188)


def test_text_as_header_or_payload_is_refused() -> None:
    for name, text in CASES:
        with case(name), pytest.raises(GatepassError):
            verify(compact(text, b"{}", SIGN), KEY)
        with case(name), pytest.raises(GatepassError):
            verify_sync(forged(text))


def test_text_inside_a_header_is_refused_or_read() -> None:
    for name, text in CASES:
        token = compact(b'{"alg":"HS256","x":' + text + b"}", b"{}", SIGN)
        with case(name):
            try:
                header = verify(token, KEY).header
            except GatepassError:
                # Valid JSON, but names are unique in a header (RFC 7515 §4).
                assert name[0] != "y" or b'"a"' in text
            else:
                assert name[0] != "n"
                assert header == inspect(token).header


def test_broken_text_as_claim_is_refused() -> None:
    for name, text in (each for each in CASES if each[0][0] == "n"):
        with case(name), pytest.raises(GatepassError):
            verify_sync(forged(claims_text(b'"x":' + text)), max_size=1_000_000)
        with case(name), pytest.raises(GatepassError):
            verify_sync(forged(b'{"x":' + text + b"," + claims_text(b'"y":1')[1:]))


def test_good_text_as_claim_is_read() -> None:
    for name, text in (each for each in CASES if each[0][0] == "y"):
        with case(name):
            assert verify_sync(forged(claims_text(b'"x":' + text)))["x"] == json.loads(text)


def test_text_as_claim_raises_nothing_but_our_own_errors() -> None:
    for name, text in CASES:
        with case(name):
            try:
                verify_sync(forged(claims_text(b'"x":' + text)), max_size=1_000_000)
            except GatepassError:
                assert name[0] != "y"
