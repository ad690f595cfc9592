"""Cookies: names, every attribute, size, and how they are read back."""

import pytest

from gatepass.errors import ClaimsRejected, SettingsRejected
from gatepass.http import MAX_COOKIE, Cookies, HttpPolicy, find_cookie

PRODUCTION = Cookies()
HIDDEN = "HttpOnly; Max-Age=60"
DEVELOPMENT = Cookies(insecure_for_development_over_http=True)


def written(cookies: Cookies, mounted_at: str = "/auth") -> list[str]:
    return [
        value for _, value in cookies.set("a.b.c", "r.s.t", "x", seconds=60, mounted_at=mounted_at)
    ]


def test_production_writes_every_attribute() -> None:
    assert written(PRODUCTION) == [
        "__Host-gatepass-access=a.b.c; HttpOnly; Max-Age=60; Path=/; SameSite=Strict; Secure",
        f"__Secure-gatepass-refresh=r.s.t; {HIDDEN}; Path=/auth; SameSite=Strict; Secure",
        "__Host-gatepass-csrf=x; Max-Age=60; Path=/; SameSite=Strict; Secure",
    ]


def test_a_shared_domain_costs_the_host_prefix() -> None:
    cookies = Cookies(share_with_subdomains_of="example.com", send_on_links_from_other_sites=True)
    shared = "Domain=example.com"

    assert written(cookies) == [
        f"__Secure-gatepass-access=a.b.c; {shared}; {HIDDEN}; Path=/; SameSite=Lax; Secure",
        f"__Secure-gatepass-refresh=r.s.t; {shared}; {HIDDEN}; Path=/auth; SameSite=Lax; Secure",
        f"__Secure-gatepass-csrf=x; {shared}; Max-Age=60; Path=/; SameSite=Lax; Secure",
    ]


@pytest.mark.parametrize("cookies", [PRODUCTION, DEVELOPMENT])
def test_clearing_names_the_same_cookies_and_paths(cookies: Cookies) -> None:
    cleared = [value for _, value in cookies.clear(mounted_at="/auth")]
    kept = [line.replace("Max-Age=60", "Max-Age=0") for line in written(cookies)]

    assert [line.partition("=")[0] for line in cleared] == [line.partition("=")[0] for line in kept]
    assert [line.partition(";")[2] for line in cleared] == [line.partition(";")[2] for line in kept]
    assert all(line.partition(";")[0].endswith("=") for line in cleared)


@pytest.mark.parametrize(
    ("mount_prefix", "mounted_at", "path"),
    [
        (None, "/auth", "/auth"),
        (None, "", "/"),
        ("/api/auth/", "/auth", "/api/auth"),
        ("/", "/a", "/"),
    ],
)
def test_the_refresh_cookie_goes_to_the_auth_routes_only(
    mount_prefix: str | None, mounted_at: str, path: str
) -> None:
    assert f"; Path={path};" in written(Cookies(mount_prefix=mount_prefix), mounted_at)[1]


def test_a_cookie_of_4096_bytes_is_set_and_a_longer_one_is_refused() -> None:
    around = len(written(PRODUCTION)[0]) - len("a.b.c")
    room = MAX_COOKIE - around
    PRODUCTION.set("a" * room, "r", "x", seconds=60, mounted_at="/auth")

    with pytest.raises(ClaimsRejected, match="4097 bytes"):
        PRODUCTION.set("a" * (room + 1), "r", "x", seconds=60, mounted_at="/auth")


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([], None),
        (["gatepass-access="], None),
        (["gatepass-access=abc"], "abc"),
        (["a=1; gatepass-access=abc; b=2"], "abc"),
        (["a=1;gatepass-access = abc"], "abc"),
        (["a=1", "gatepass-access=abc"], "abc"),
        (['gatepass-access="abc"'], "abc"),
        (["xgatepass-access=abc"], None),
        (["gatepass-access2=abc"], None),
        (["__Host-gatepass-access=abc"], None),
        (["a=gatepass-access=abc"], None),
        (["gatepass-access"], None),
    ],
)
def test_a_cookie_is_read_by_its_whole_name(headers: list[str], found: str | None) -> None:
    assert find_cookie(headers, "gatepass-access") == found


@pytest.mark.parametrize(
    "values",
    [
        {"share_with_subdomains_of": "localhost"},
        {"share_with_subdomains_of": "example.com; Path=/"},
        {"mount_prefix": "auth"},
        {"mount_prefix": "/a; Domain=evil.example"},
        {"mount_prefix": "/" + "a" * 255},
        {"csrf_keys": (b"short",)},
    ],
)
def test_values_out_of_bounds_are_refused(values: dict[str, str]) -> None:
    with pytest.raises(SettingsRejected):
        Cookies(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "origin", ["https://example.com", "https://app.example.com:8443", "http://a.b.example.com"]
)
def test_a_cookie_domain_holds_one_of_the_own_pages_at_least(origin: str) -> None:
    cookies = Cookies(share_with_subdomains_of="example.com")
    origins = ["https://elsewhere.test", origin]

    assert HttpPolicy(cookies=cookies, public_origins=origins).cookies is cookies
    with pytest.raises(SettingsRejected, match=r"none of public_origins is example\.com or below"):
        HttpPolicy(cookies=cookies, public_origins=origins[:1])


def test_a_root_path_that_no_cookie_can_have_counts_as_none() -> None:
    longest = "/" + "a" * 254

    assert PRODUCTION.refresh_path("/auth", longest) == f"{longest}/auth"
    for root_path in (f"{longest}a", "/" + "a" * 4_000, "/a;b", "a"):
        assert PRODUCTION.refresh_path("/auth", root_path) == "/auth"
