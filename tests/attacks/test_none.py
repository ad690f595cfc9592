"""Unsecured tokens and tokens without a signature."""

import pytest

from tests.attacks.target import KEY, REFUSED, Verify, claims, forged, header
from tests.cases import case
from tests.jose.forge import nothing
from tests.jose.material import ASYMMETRIC, signing_key

SPELLINGS = ["none", "None", "NONE", "nOnE", "", " none", "none ", "none\0", "n\u043ene", "null"]
VERBATIM = [None, False, 0, [], {}, ["none"], ["HS256"], {"HS256": 1}, 256, True]


@pytest.mark.parametrize("spelling", SPELLINGS, ids=ascii)
def test_none(verify: Verify, spelling: str) -> None:
    for sign in (nothing, lambda _: b"anything", None):
        token = (
            forged(claims(), header(alg=spelling), sign)
            if sign
            else forged(claims(), header(alg=spelling))
        )
        with pytest.raises(REFUSED):
            verify(token)


def test_none_against_a_public_key(verify: Verify) -> None:
    for algorithm in ASYMMETRIC:
        with case(algorithm):
            key = signing_key(algorithm).public()

            for spelling in SPELLINGS[:4]:
                for named in (header(alg=spelling), header(alg=spelling, kid=key.kid)):
                    with case(named), pytest.raises(REFUSED):
                        verify(forged(claims(), named, nothing), key)


def test_algorithm_that_is_no_text(verify: Verify) -> None:
    for value in VERBATIM:
        with case(value), pytest.raises(REFUSED):
            verify(forged(claims(), header(alg=value)))


def test_algorithm_left_out(verify: Verify) -> None:
    with pytest.raises(REFUSED):
        verify(forged(claims(), header(alg=...)))


def test_signature_of_zero_length(verify: Verify) -> None:
    with pytest.raises(REFUSED):
        verify(forged(claims(), sign=nothing))
    for algorithm in ASYMMETRIC:
        with pytest.raises(REFUSED):
            verify(forged(claims(), header(alg=algorithm), nothing), signing_key(algorithm))


def test_signature_cut_off(verify: Verify) -> None:
    token = forged(claims())
    assert verify(token, KEY).subject == "alice"
    unsigned = token.rpartition(".")[0]

    for text in (unsigned, f"{unsigned}.", f"{unsigned}..", f"{unsigned}. ", f"{unsigned}.A"):
        with pytest.raises(REFUSED):
            verify(text)
