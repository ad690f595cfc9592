"""Settings that let others read tokens on the network: one check for every framework (pure)."""

from dataclasses import dataclass
from typing import Final

from gatepass.http.origins import is_loopback_origin
from gatepass.http.policy import HttpPolicy


@dataclass(frozen=True, slots=True)
class Risk:
    """A setting that is safe in development only."""

    code: str
    """The id in `manage.py check`, after `gatepass.`."""
    sentence: str
    cure: str


OPEN_COOKIES: Final = Risk(
    "W001",
    "tokens travel in cookies without Secure",
    "Set GATEPASS_ENV=production, or give the policy other Cookies(…).",
)
OPEN_HTTP: Final = Risk(
    "W002",
    "nothing rejects tokens over plain http",
    "Set GATEPASS_ENV=production for HttpSettings, or give the policy https=Https(…).",
)


def find_risks(policy: HttpPolicy) -> list[Risk]:
    """The risks of this policy; ignore them where `is_local`."""
    cookies = policy.cookies
    risks = []
    if cookies is not None and cookies.insecure_for_development_over_http:
        risks.append(OPEN_COOKIES)
    if policy.https is None:
        risks.append(OPEN_HTTP)
    return risks


def is_local(policy: HttpPolicy) -> bool:
    """Whether the service names its own pages, and all of them are on the browser's machine."""
    origins = policy.public_origins
    return bool(origins) and all(map(is_loopback_origin, origins))
