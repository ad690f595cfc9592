"""Values of another kind are rejected where a policy is made, in words that name them."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import AnyUrl

from gatepass.errors import SettingsRejected
from gatepass.http import Cookies, HttpPolicy, Https
from tests.http.conftest import Ask

OWN = ("https://own.example",)


@pytest.mark.parametrize(
    ("value", "header"),
    [
        (timedelta(days=1), "max-age=86400"),
        (timedelta(0), None),
        (86_400, "max-age=86400"),
        (0, None),
    ],
)
def test_hsts_is_whole_seconds(ask: Ask, value: timedelta | int, header: str | None) -> None:
    headers = dict(HttpPolicy(https=Https(hsts_seconds=value)).headers(ask(scheme="https")))

    assert headers.get("Strict-Transport-Security") == header


@pytest.mark.parametrize(
    ("made", "name", "value", "reason"),
    [
        (Https, "hsts_seconds", -1, "hsts_seconds is a timedelta or whole seconds"),
        (Https, "hsts_seconds", timedelta(seconds=-1), "hsts_seconds is"),
        (Https, "hsts_seconds", timedelta(milliseconds=1500), "hsts_seconds is"),
        (Https, "hsts_seconds", timedelta.max, "hsts_seconds is"),
        (Https, "hsts_seconds", True, "hsts_seconds is"),
        (Https, "hsts_seconds", "1d", "hsts_seconds is"),
        (Https, "hsts_seconds", float("nan"), "hsts_seconds is"),
        (Https, "hsts_seconds", None, "hsts_seconds is"),
        (Https, "allowed_hosts", None, "allowed_hosts is a collection, not NoneType"),
        (Https, "allowed_hosts", [b"a.example"], "allowed_hosts holds texts, not bytes"),
        (Https, "exempt_paths", ["healthz"], "an exempt path is written as /healthz"),
        (Https, "exempt_paths", b"/healthz", "exempt_paths is a collection, not bytes"),
        (Cookies, "csrf_keys", ["k" * 40], "csrf_keys holds bytes, not one text: write Shared"),
        (Cookies, "csrf_keys", b"k" * 40, "csrf_keys is a collection, not bytes: write"),
        (Cookies, "csrf_keys", "k" * 40, "csrf_keys is a collection, not one text"),
        (Cookies, "csrf_keys", None, "csrf_keys is a collection, not NoneType"),
        (Cookies, "csrf_keys", [b"k" * 31], "csrf_keys holds a key of less than 32 bytes"),
        (Cookies, "mount_prefix", 5, "mount_prefix is of the kind str, not int"),
        (Cookies, "share_with_subdomains_of", ["a.b"], "share_with_subdomains_of is of the"),
        (Cookies, "send_on_links_from_other_sites", "no", "of the kind bool, not one text"),
        (Cookies, "insecure_for_development_over_http", 0, "of the kind bool, not int"),
        (HttpPolicy, "public_origins", [AnyUrl(OWN[0])], r"not AnyUrl: write str\(url\)"),
        (HttpPolicy, "public_origins", None, "public_origins is a collection, not NoneType"),
        (HttpPolicy, "allowed_origins", [None], "allowed_origins holds texts, not NoneType"),
        (HttpPolicy, "allowed_origins", OWN[0], "allowed_origins is a collection, not one te"),
        (HttpPolicy, "trusted_proxies", None, "trusted_proxies is of the kind Iterable, not"),
    ],
)
def test_a_value_of_another_kind_is_told_when_it_is_written(
    made: Any, name: str, value: Any, reason: str
) -> None:
    with pytest.raises(SettingsRejected, match=reason) as told:
        made(**{name: value})

    assert "k" * 31 not in str(told.value)


def test_collections_that_run_out_hold_for_every_request(ask: Ask) -> None:
    paths, hosts = (iter([text]) for text in ("/alive", "app.example"))
    policy = HttpPolicy(
        public_origins=iter(OWN),  # type: ignore[arg-type]  # as a generator would be
        https=Https(allowed_hosts=hosts, exempt_paths=paths),  # type: ignore[arg-type]
        cookies=Cookies(csrf_keys=iter([b"k" * 32])),  # type: ignore[arg-type]
    )

    for _ in range(2):
        assert policy.screen(ask("POST /alive")) is None
        assert policy.screen(ask("GET /", "Host: app.example")) is not None
    assert policy.cookies is not None
    assert policy.cookies.csrf_keys == (b"k" * 32,)
