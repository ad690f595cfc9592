"""What sign-in adds to a request, in each framework beside what its users use today."""

from benchmarks.frameworks.measure import measure_frameworks

__all__ = ["measure_frameworks"]
