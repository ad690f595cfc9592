"""https, proxies and CORS as a policy decides about them."""

from typing import Any

import pytest

from gatepass.errors import SettingsRejected
from gatepass.http import Answer, Cookies, HttpPolicy, Https, RequestRefused, TrustedProxies
from tests.http.conftest import Ask

STRICT = HttpPolicy(
    https=Https(allowed_hosts=("app.example", "app.example:8443"), exempt_paths=("/healthz",)),
    trusted_proxies=("10.0.0.0/8", "::1", "::ffff:172.16.0.0/112"),
)
SHARED = HttpPolicy(
    allowed_origins=("https://spa.example", "https://own.example"),
    public_origins=("https://own.example",),
)


def outcome(answer: Answer | None) -> tuple[int, str | None] | None:
    return None if answer is None else (answer.status, dict(answer.headers).get("Location"))


@pytest.mark.parametrize(
    ("line", "headers", "wanted"),
    [
        ("GET /a", ("Host: app.example:8443",), (308, "https://app.example:8443/a")),
        ("GET /a", ("Host: APP.example:80",), (308, "https://app.example/a")),
        ("GET //evil.example", ("Host: app.example",), (308, "https://app.example//evil.example")),
        ("GET /é\r\nX: y", ("Host: app.example",), (308, "https://app.example/%C3%A9%0D%0AX:%20y")),
        ("GET *", ("Host: app.example",), (403, None)),
        ("GET /a", ("Host: app.example", "Host: evil.example"), (403, None)),
        ("GET /a", (), (403, None)),
        ("POST /healthz", ("Host: evil.example",), None),
        ("POST /healthz/", ("Host: app.example",), (403, None)),
    ],
)
def test_plain_http_moves_or_is_refused(
    ask: Ask, line: str, headers: tuple[str, ...], wanted: tuple[int, str | None] | None
) -> None:
    assert outcome(STRICT.intercept(ask(line, *headers))) == wanted


def test_no_word_to_browsers_where_none_is_wanted(ask: Ask) -> None:
    assert HttpPolicy(https=Https(hsts_seconds=0)).headers(ask(scheme="https")) == ()


@pytest.mark.parametrize(
    ("peer", "headers", "scheme"),
    [
        ("10.1.2.3", ("X-Forwarded-Proto: https",), "https"),
        ("10.1.2.3", ("X-Forwarded-Proto: HTTPS",), "https"),
        ("10.1.2.3", ("X-Forwarded-Proto: wss",), "https"),
        ("10.1.2.3", ("X-Forwarded-Proto: http, https",), "https"),
        ("10.1.2.3", ("X-Forwarded-Proto: https, http",), "http"),
        ("10.1.2.3", ("X-Forwarded-Proto: gopher",), "http"),
        ("::ffff:10.1.2.3", ("X-Forwarded-Proto: https",), "https"),
        ("::1", ("X-Forwarded-Proto: https",), "https"),
        ("172.16.0.9", ("X-Forwarded-Proto: https",), "https"),
        ("198.51.100.7", ("X-Forwarded-Proto: https",), "http"),
        ("", ("X-Forwarded-Proto: https",), "http"),
        ("not an address", ("X-Forwarded-Proto: https",), "http"),
        ("10.1.2.3", ("Forwarded: proto=https",), "http"),
    ],
)
def test_only_a_trusted_proxy_says_what_the_client_spoke(
    ask: Ask, peer: str, headers: tuple[str, ...], scheme: str
) -> None:
    assert STRICT.proxies.scheme(ask("GET /", *headers, peer=peer)) == scheme


@pytest.mark.parametrize(
    ("peer", "told", "client"),
    [
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ("10.1.2.3", "203.0.113.9", "203.0.113.9"),
        ("10.1.2.3", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("10.1.2.3", "1.1.1.1, 203.0.113.9, 10.9.9.9", "203.0.113.9"),
        ("10.1.2.3", "10.8.8.8, 10.9.9.9", "10.8.8.8"),
        ("10.1.2.3", "203.0.113.9:5000", "203.0.113.9"),
        ("10.1.2.3", "[2001:db8::9]:5000", "2001:db8::9"),
        ("10.1.2.3", "2001:db8::9", "2001:db8::9"),
        ("10.1.2.3", "203.0.113.9, nonsense", "10.1.2.3"),
        ("10.1.2.3", "", "10.1.2.3"),
    ],
)
def test_the_client_is_the_last_address_that_is_no_proxy(
    ask: Ask, peer: str, told: str, client: str
) -> None:
    request = ask("GET /", f"X-Forwarded-For: {told}", peer=peer)

    assert STRICT.proxies.client(request) == client


@pytest.mark.parametrize(
    ("peer", "told", "wanted"),
    [
        ("198.51.100.7", "203.0.113.9", "198.51.100.7, which says more, is not among"),
        ("198.51.100.7", "", "198.51.100.7, which says more, is not among"),
        ("", "unknown", "unix, which says more, is not among"),
        ("198.51.100.7", "198.51.100.7:5000", "start uvicorn with --no-proxy-headers"),
        ("198.51.100.7", "10.8.8.8, ::ffff:198.51.100.7", "uvicorn with --no-proxy-headers"),
    ],
)
def test_the_log_names_a_proxy_to_trust_and_never_the_browser(
    ask: Ask, peer: str, told: str, wanted: str
) -> None:
    lines = ("X-Forwarded-Proto: HTTPS", f"X-Forwarded-For: {told}")

    with pytest.raises(RequestRefused) as refused:
        STRICT.screen(ask("POST /a", *lines, peer=peer))
    assert wanted in str(refused.value.reason)


def test_a_socket_file_is_trusted_by_name(ask: Ask) -> None:
    request = ask("GET /", "X-Forwarded-Proto: https", peer="")

    assert TrustedProxies(["unix"]).scheme(request) == "https"


def test_an_allowed_origin_may_read_and_only_our_own_may_send_cookies(ask: Ask) -> None:
    spa = dict(SHARED.headers(ask("GET /", "Origin: https://spa.example")))
    own = dict(SHARED.headers(ask("GET /", "Origin: https://own.example")))

    assert spa == {
        "Access-Control-Allow-Origin": "https://spa.example",
        "Access-Control-Expose-Headers": "WWW-Authenticate, Retry-After",
        "Vary": "Origin",
    }
    assert own["Access-Control-Allow-Credentials"] == "true"


def test_a_preflight_is_answered_and_a_plain_options_is_not(ask: Ask) -> None:
    asked = ("Origin: https://own.example", "Access-Control-Request-Method: DELETE")
    answer = SHARED.intercept(ask("OPTIONS /a", *asked))
    assert answer is not None
    told = dict(answer.headers)

    assert answer.status == 204
    assert told["Access-Control-Allow-Origin"] == "https://own.example"
    assert told["Access-Control-Allow-Credentials"] == "true"
    assert "DELETE" in told["Access-Control-Allow-Methods"]
    assert "X-CSRF-Token" in told["Access-Control-Allow-Headers"]
    assert SHARED.headers(ask("OPTIONS /a", *asked)) == ()
    assert SHARED.intercept(ask("OPTIONS /a", asked[0])) is None
    assert SHARED.intercept(ask("GET /a", *asked)) is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: Https(allowed_hosts=("https://app.example",)),
        lambda: Https(allowed_hosts=("",)),
        lambda: Https(allowed_hosts=("evil.example@app.example",)),
        lambda: Https(allowed_hosts="app.example"),
        lambda: Https(exempt_paths="/healthz"),
        lambda: HttpPolicy(trusted_proxies=("proxy.internal",)),
        lambda: HttpPolicy(trusted_proxies="10.0.0.1"),
        lambda: HttpPolicy(trusted_proxies=("10.0.0.1/8",)),
        lambda: HttpPolicy(trusted_proxies=("0.0.0.0/0",)),
        lambda: HttpPolicy(trusted_proxies=("::/0",)),
        lambda: HttpPolicy(trusted_proxies=("::ffff:0.0.0.0/96",)),
        lambda: HttpPolicy(public_origins=("*",)),
        lambda: HttpPolicy(cookies=Cookies()),
        lambda: HttpPolicy(cookies=Cookies(), allowed_origins=("https://spa.example",)),
    ],
)
def test_values_out_of_bounds_are_refused(make: Any) -> None:
    with pytest.raises(SettingsRejected):
        make()


@pytest.mark.parametrize(("name", "made"), [("cookies", "Cookies"), ("https", "Https")])
def test_a_rule_that_is_only_switched_on_is_told(name: str, made: str) -> None:
    given: Any = {name: True, "public_origins": ["https://own.example"]}

    with pytest.raises(SettingsRejected, match=rf"{name} are made by {made}\(…\)"):
        HttpPolicy(**given)
