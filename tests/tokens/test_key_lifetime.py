"""Tokens that would outlive the key that signs them."""

from datetime import timedelta

import pytest

from gatepass import TokenIssuer
from gatepass.errors import KeyRejected
from gatepass.jose import KeySet, SharedKey


class Kept:
    """A source that tells how long it keeps a key."""

    version = 1
    lifetime = timedelta(minutes=15)
    held = KeySet(SharedKey.generate())

    def current(self) -> KeySet:
        return self.held


def test_tokens_do_not_outlive_the_key_whose_source_tells_how_long_it_is_kept() -> None:
    def issuer(lifetime: int) -> TokenIssuer:
        return TokenIssuer(Kept(), issuer="us", audience="them", lifetime=lifetime)

    assert issuer(900).issue("ada")
    with pytest.raises(KeyRejected, match="0:15:00 at most"):
        issuer(901)
