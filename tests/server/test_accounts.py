"""Accounts whose claims are at every limit, and those beyond it."""

import unicodedata

import pytest

from gatepass.server.errors import AccountRejected
from gatepass.server.usernames import find_username, parse_username
from tests.server.world import PASSWORD, World

pytestmark = pytest.mark.anyio

SMILE = "\U0001f600"


@pytest.mark.parametrize(
    ("username", "longest"),
    [(SMILE * 64, SMILE * 63), ("\\" * 64, "\\" * 254), ("u" * 64, '"' * 254)],
)
async def test_the_longest_account_can_log_in(world: World, username: str, longest: str) -> None:
    with world.administration() as (accounts, _):
        accounts.add(username, PASSWORD, email=longest, role=longest)
    answer = await world.log_in(username)

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("name", ["email", "role"])
async def test_a_claim_that_no_session_could_carry_is_refused(world: World, name: str) -> None:
    with world.administration() as (accounts, _), pytest.raises(AccountRejected, match="254 bytes"):
        accounts.add("eve", PASSWORD, **{name: SMILE * 64})


INVISIBLE = (
    *"\u00ad\u034f\u061c\u115f\u1160\u17b4\u180b\u180e\u180f\u200b\u200d\u200f\u202e\u2060",
    *"\u2066\u2800\u3164\ufe00\ufe0e\ufe0f\ufeff\uffa0\U00016fe4\U0001d159\U000e0001\U000e0100",
    *"\U000e01ef",
)


@pytest.mark.parametrize("character", INVISIBLE, ids=[f"U+{ord(each):04X}" for each in INVISIBLE])
def test_a_name_with_a_character_that_nobody_sees_is_refused(character: str) -> None:
    for name in (f"admin{character}", f"{character}admin", f"ad{character}min", character):
        assert find_username(name) is None
        with pytest.raises(AccountRejected, match="invisible"):
            parse_username(name)


@pytest.mark.parametrize(
    "name", ["admin", "zoë", "zoe\u0308", "нина", "ニーナ", "देवी", "a-b_c@d.e"]
)
def test_a_name_with_marks_that_people_see_is_kept(name: str) -> None:
    assert parse_username(name) == unicodedata.normalize("NFKC", name)
