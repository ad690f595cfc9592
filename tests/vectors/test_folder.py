"""`make vectors` fails where the vectors are missing, and does not skip them."""

import pytest

from tests.vectors.published import VECTORS

pytestmark = pytest.mark.vectors


def test_the_vectors_are_beside_the_project() -> None:
    assert VECTORS.is_dir(), f"put the published test vectors into {VECTORS}"
