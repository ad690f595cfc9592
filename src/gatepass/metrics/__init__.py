"""Metrics for Prometheus: events, rejected requests, the store, the replica and the keys."""

from gatepass._extras import needs_extra

with needs_extra("metrics"):
    from gatepass.metrics.metrics import CONTENT_TYPE, Metrics

__all__ = ["CONTENT_TYPE", "Metrics"]
