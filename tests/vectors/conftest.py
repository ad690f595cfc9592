"""Without the vectors pytest collects one test of this folder, and that one fails."""

from tests.vectors.published import VECTORS

collect_ignore = (
    []
    if VECTORS.is_dir()
    else [
        "test_json_suite.py",
        "test_rfc_examples.py",
        "test_weak_secrets.py",
        "test_wycheproof.py",
    ]
)
