"""Property tests and fuzzers."""
