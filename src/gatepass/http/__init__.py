"""HTTP as values: headers and bodies come in, answers go out. Pure: no framework, no I/O."""

from gatepass.http.answers import Answer, Headers, answer_json, answer_nothing, answer_refused
from gatepass.http.bearer import parse_bearer
from gatepass.http.cookies import MAX_COOKIE, Cookies, find_cookie
from gatepass.http.cors import is_preflight
from gatepass.http.csrf import (
    CSRF_HEADER,
    CSRF_PURPOSE,
    SAFE_METHODS,
    csrf_token,
    require_csrf_token,
)
from gatepass.http.https import Https
from gatepass.http.identity import Identity
from gatepass.http.limits import DEFAULT_LIMITS, Limits, Rate
from gatepass.http.origins import require_no_foreign_page, require_origin
from gatepass.http.policy import HttpPolicy
from gatepass.http.problems import (
    ACCESS_PROBLEMS,
    LOGIN_PROBLEMS,
    PROBLEMS,
    REFRESH_PROBLEMS,
    Problem,
    Problems,
    RequestRefused,
    refuse,
    refusing,
)
from gatepass.http.proxies import TrustedProxies
from gatepass.http.request_adapters import AsgiRequest, HttpRequest, WsgiRequest
from gatepass.http.requests import (
    MAX_BODY,
    Credentials,
    NewPassword,
    parse_credentials,
    parse_device,
    parse_new_password,
    parse_refresh_token,
)
from gatepass.http.requirement import Requirement

__all__ = [
    "ACCESS_PROBLEMS",
    "CSRF_HEADER",
    "CSRF_PURPOSE",
    "DEFAULT_LIMITS",
    "LOGIN_PROBLEMS",
    "MAX_BODY",
    "MAX_COOKIE",
    "PROBLEMS",
    "REFRESH_PROBLEMS",
    "SAFE_METHODS",
    "Answer",
    "AsgiRequest",
    "Cookies",
    "Credentials",
    "Headers",
    "HttpPolicy",
    "HttpRequest",
    "Https",
    "Identity",
    "Limits",
    "NewPassword",
    "Problem",
    "Problems",
    "Rate",
    "RequestRefused",
    "Requirement",
    "TrustedProxies",
    "WsgiRequest",
    "answer_json",
    "answer_nothing",
    "answer_refused",
    "csrf_token",
    "find_cookie",
    "is_preflight",
    "parse_bearer",
    "parse_credentials",
    "parse_device",
    "parse_new_password",
    "parse_refresh_token",
    "refuse",
    "refusing",
    "require_csrf_token",
    "require_no_foreign_page",
    "require_origin",
]
