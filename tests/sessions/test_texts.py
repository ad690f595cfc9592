"""Which texts can be ids, subjects and reasons."""

import pytest

from gatepass.errors import ClaimsRejected
from gatepass.sessions.session import partition_digits
from gatepass.sessions.texts import is_encodable, require_encodable

HALF = "ada\ud800"


def test_half_of_a_surrogate_pair_is_no_part_of_a_text() -> None:
    with pytest.raises(ClaimsRejected) as caught:
        require_encodable("whole", None, HALF)

    assert "ada" not in str(caught.value)
    assert not is_encodable(HALF)
    with pytest.raises(ClaimsRejected):
        partition_digits(HALF)


def test_every_other_text_is_one() -> None:
    require_encodable(None, "", "ada", "Ada Łovelace", "\U0001f511", "\0")

    assert is_encodable("\U0001f511")
