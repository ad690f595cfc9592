"""Policy, keys and managers from environment variables; reads no file but that of keys."""

from gatepass._extras import needs_extra

with needs_extra("settings"):
    from gatepass.settings.http_settings import HttpSettings
    from gatepass.settings.token_settings import TokenSettings
    from gatepass.tokens.durations import parse_duration

__all__ = ["HttpSettings", "TokenSettings", "parse_duration"]
