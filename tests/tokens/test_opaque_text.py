"""The text of opaque tokens and keys: one form, whose typing errors need no store."""

import hashlib
import secrets

import pytest

from gatepass.sessions import opaque_id, partition_of
from gatepass.tokens.opaque import ACCESS_PREFIX, KEY_PREFIX, RANDOM_BYTES, hash_id, new_text

PREFIXES = pytest.mark.parametrize("prefix", [ACCESS_PREFIX, KEY_PREFIX])


@PREFIXES
def test_the_text_leads_to_the_partition_of_its_subject(prefix: str) -> None:
    for subject in ("ada", "bob", "수지"):
        text = new_text(prefix, subject, secrets.token_bytes(RANDOM_BYTES))

        found = hash_id(prefix, text)
        assert found == opaque_id(subject, hashlib.sha256(text.encode()).digest())
        assert partition_of(found) == partition_of(text.removeprefix(prefix))


@PREFIXES
def test_each_changed_left_out_or_added_character_is_told(prefix: str) -> None:
    text = new_text(prefix, "ada", secrets.token_bytes(RANDOM_BYTES))
    wrong = {text[:at] + text[at + 1 :] for at in range(len(text))}
    wrong |= {text[:at] + other + text[at + 1 :] for at in range(len(text)) for other in "0a_é\n"}
    wrong |= {text + each for each in ("\n", " ", "0", "é")} | {"", prefix, text.upper()}

    assert not [each for each in wrong - {text} if hash_id(prefix, each) is not None]


def test_a_key_is_no_access_token_and_an_access_token_no_key() -> None:
    random = secrets.token_bytes(RANDOM_BYTES)

    assert hash_id(ACCESS_PREFIX, new_text(KEY_PREFIX, "ada", random)) is None
    assert hash_id(KEY_PREFIX, new_text(ACCESS_PREFIX, "ada", random)) is None
