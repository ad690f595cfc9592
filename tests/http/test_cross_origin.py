"""Preflights as a policy decides about them, and why browsers reject an answer."""

import pytest

from gatepass.http import Answer, HttpPolicy, Https
from tests.http.conftest import Ask

OWN, SPA, OTHER = "https://own.example", "https://spa.example", "https://other.example"
ASKS = "Access-Control-Request-Method: POST"
POLICIES = {
    "public": HttpPolicy(public_origins=[OWN]),
    "both": HttpPolicy(public_origins=[OWN], allowed_origins=[SPA]),
    "shared": HttpPolicy(public_origins=[OWN], allowed_origins=[SPA, OWN]),
}


def told(answer: Answer | None) -> tuple[str | None, str | None]:
    """The origin that may read, and whether with cookies."""
    headers = dict(answer.headers) if answer is not None else {}
    return (
        headers.get("Access-Control-Allow-Origin"),
        headers.get("Access-Control-Allow-Credentials"),
    )


@pytest.mark.parametrize(
    ("policy", "origin", "of_auth", "of_others"),
    [
        ("public", OWN, (OWN, "true"), None),
        ("public", OTHER, (None, None), None),
        ("both", OWN, (OWN, "true"), None),
        ("both", SPA, (SPA, None), (SPA, None)),
        ("both", OTHER, (None, None), (None, None)),
        ("shared", OWN, (OWN, "true"), (OWN, "true")),
    ],
)
def test_public_origins_read_the_auth_routes_and_allowed_ones_everything(
    ask: Ask,
    policy: str,
    origin: str,
    of_auth: tuple[str | None, str | None],
    of_others: tuple[str | None, str | None] | None,
) -> None:
    asked = ask("OPTIONS /a", f"Origin: {origin}", ASKS)
    answered = POLICIES[policy].screen(asked)

    assert told(POLICIES[policy].preflight_of_auth(asked)) == of_auth
    assert (None if answered is None else told(answered)) == of_others


def test_answers_are_for_one_known_origin_only(ask: Ask) -> None:
    policy = POLICIES["both"]
    ours = dict(policy.headers_of_auth(ask("GET /a", f"Origin: {OWN}")))

    assert ours["Access-Control-Allow-Credentials"] == "true"
    assert policy.headers_of_auth(ask("GET /a", f"Origin: {SPA}")) == ()
    assert policy.headers_of_auth(ask("GET /a", f"Origin: {OWN}", f"Origin: {OWN}")) == ()
    assert policy.headers_of_auth(ask("GET /a")) == ()
    assert policy.headers(ask("GET /a", f"Origin: {OWN}")) == (("Vary", "Origin"),)


@pytest.mark.parametrize(
    ("headers", "answer", "reason"),
    [
        ((f"Origin: {OWN}",), {"access-control-allow-origin": OWN}, None),
        ((f"Origin: {OTHER}",), {"access-control-allow-origin": "*"}, None),
        (
            (f"Origin: {OTHER}",),
            {},
            f"the page's origin {OTHER} is not among public_origins (GATEPASS_PUBLIC_ORIGINS): n",
        ),
        (
            ("Origin: https://x/<forged>",),
            {},
            "the page's origin (of no origin's form) is not among public_origins",
        ),
        (
            (f"Origin: {OWN}",),
            {},
            f"public_origins lets {OWN} read the auth routes only: for this route name it in all",
        ),
        (
            (f"Origin: {OWN}", "Access-Control-Request-Headers: content-type,x-csrf-token"),
            {
                "access-control-allow-origin": OWN,
                "access-control-allow-headers": "Content-Type, X-CSRF-Token",
            },
            None,
        ),
        (
            (f"Origin: {OWN}", "Access-Control-Request-Headers: traceparent"),
            {"access-control-allow-origin": OWN, "access-control-allow-headers": "*"},
            None,
        ),
        (
            (f"Origin: {OWN}", "Access-Control-Request-Headers: content-type,traceparent"),
            {"access-control-allow-origin": OWN, "access-control-allow-headers": "Content-Type"},
            "the page sends a header that is none of Content-Type: leave it out",
        ),
    ],
)
def test_the_reason_of_a_rejected_preflight_has_its_cure(
    ask: Ask, headers: tuple[str, ...], answer: dict[str, str], reason: str | None
) -> None:
    asked = ask("OPTIONS /a", *headers, ASKS)
    found = POLICIES["public"].explain_preflight(asked, answer.get)

    assert (found or "").startswith(reason or "")
    assert bool(found) is bool(reason)


def test_other_requests_and_plain_http_have_no_such_reason(ask: Ask) -> None:
    asked = ask("OPTIONS /a", f"Origin: {OTHER}", ASKS)
    bare: dict[str, str] = {}

    assert HttpPolicy(https=Https()).explain_preflight(asked, bare.get) is None
    assert HttpPolicy().explain_preflight(ask("OPTIONS /a", ASKS), bare.get) is None
    assert HttpPolicy().explain_preflight(ask("GET /a", f"Origin: {OTHER}"), bare.get) is None
