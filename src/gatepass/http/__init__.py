"""HTTP as values: headers and bodies come in, answers go out. Pure: no framework, no I/O."""

from gatepass.http.answers import Answer, answer_json, answer_nothing, answer_refused
from gatepass.http.bearer import parse_bearer
from gatepass.http.identity import Identity
from gatepass.http.problems import (
    ACCESS_DOOR,
    LOGIN_DOOR,
    PROBLEMS,
    REFRESH_DOOR,
    Problem,
    RequestRefused,
    door,
)
from gatepass.http.requests import (
    MAX_BODY,
    Credentials,
    parse_credentials,
    parse_device,
    parse_refresh_token,
)
from gatepass.http.requirement import Requirement

__all__ = [
    "ACCESS_DOOR",
    "LOGIN_DOOR",
    "MAX_BODY",
    "PROBLEMS",
    "REFRESH_DOOR",
    "Answer",
    "Credentials",
    "Identity",
    "Problem",
    "RequestRefused",
    "Requirement",
    "answer_json",
    "answer_nothing",
    "answer_refused",
    "door",
    "parse_bearer",
    "parse_credentials",
    "parse_device",
    "parse_refresh_token",
]
