"""ECDSA signatures in the form that the primitive takes, held against the library's own encoder."""

from itertools import product

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from gatepass.jose._signatures import _der_forms, _der_sequence

SIZES = (32, 48, 66)


@st.composite
def numbers(draw: st.DrawFn) -> bytes:
    """Octets of one of the sizes, often with zeros in front."""
    size = draw(st.sampled_from(SIZES))
    zeros = draw(st.one_of(st.just(0), st.integers(0, size)))
    return bytes(zeros) + draw(st.binary(min_size=size - zeros, max_size=size - zeros))


@given(numbers(), numbers())
def test_a_sequence_is_what_the_library_makes_of_the_numbers(r: bytes, s: bytes) -> None:
    assert _der_sequence(r, s) == encode_dss_signature(int.from_bytes(r), int.from_bytes(s))


@pytest.mark.parametrize("size", SIZES)
def test_the_prepared_forms_are_the_same(size: int) -> None:
    for first, second in product((0x01, 0x7F, 0x80, 0xFF), repeat=2):
        r, s = bytes([first]) + b"\7" * (size - 1), bytes([second]) + b"\xff" * (size - 1)
        head, middle = _der_forms(size)[first >> 7][second >> 7]

        assert head + r + middle + s == _der_sequence(r, s)
