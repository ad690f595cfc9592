"""The patterns of answers, and the origins of pages."""

from typing import Final

PATTERNS: Final = {
    "jwt": r"[\w-]+\.[\w-]+\.[\w-]+",
    "id": r"[0-9a-f]{34}",
    "csrf": r"[\w-]{43}",
    "n": r"\d+",
    "week": r"604(800|799)",
    "script": r".*export function createClient\(.*",
    "loaded_role": "(admin)?",  # `gatepass serve` alone has a `load_claims`
    "device": r'(null|"[^"]*")',
}
"""What stands for anything of a kind in a wanted answer."""
TOKENS: Final = {"jwt": PATTERNS["jwt"], "opaque": r"gp_at_[\w-]{53}"}
"""The patterns of access tokens, by their format."""
ORIGINS: Final = {
    "development": "http://app.example",
    "opaque": "http://app.example",
    "production": "https://app.example.com",
}
