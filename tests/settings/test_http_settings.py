"""What the environment may say about cookies, origins, https and proxies."""

from collections.abc import Mapping

import pytest

from gatepass.errors import SettingsRejected
from gatepass.http import CSRF_PURPOSE, Https, Limits, Rate
from gatepass.jose import SharedKey
from gatepass.server.secrets import generate_secret
from gatepass.settings import HttpSettings

OWN = {"GATEPASS_PUBLIC_ORIGINS": "http://localhost:8000"}
SECRET, PREVIOUS = generate_secret(), generate_secret()


def test_development_has_cookies_that_http_can_carry() -> None:
    policy = HttpSettings.from_env(OWN).policy

    assert policy.cookies is not None
    assert policy.cookies.insecure_for_development_over_http
    assert policy.cookies.csrf_keys == ()
    assert policy.https is None
    assert policy.is_silent


@pytest.mark.parametrize("environment", ["", "development", "production"])
@pytest.mark.parametrize(
    "others", ["", ",http://localhost:3000", ",http://127.0.0.1:8000,http://[::1]:8000"]
)
def test_pages_of_other_machines_over_https_get_secure_cookies_in_every_environment(
    environment: str, others: str
) -> None:
    origins = f"https://app.example{others}"
    environ = {"GATEPASS_ENV": environment, "GATEPASS_PUBLIC_ORIGINS": origins}
    cookies = HttpSettings.from_env(environ).policy.cookies

    assert cookies is not None
    assert cookies.access == "__Host-gatepass-access"
    assert "Secure" in cookies.set("a", "b", "c", seconds=9, mounted_at="/auth")[0][1]


@pytest.mark.parametrize(
    "origins",
    ["https://localhost:8443", "https://127.0.0.1", "https://app.localhost", "http://192.0.2.7"],
)
def test_development_on_this_machine_or_over_http_has_cookies_that_http_can_carry(
    origins: str,
) -> None:
    cookies = HttpSettings.from_env({"GATEPASS_PUBLIC_ORIGINS": origins}).policy.cookies

    assert cookies is not None
    assert cookies.insecure_for_development_over_http


def test_without_own_pages_tokens_travel_in_headers_only() -> None:
    assert HttpSettings.from_env({}).policy.cookies is None
    assert HttpSettings.from_env({"GATEPASS_ENV": "production"}).policy.cookies is None


def test_production_requires_https_and_redirects_to_its_own_hosts_only() -> None:
    policy = HttpSettings.from_env(
        {
            "GATEPASS_ENV": "production",
            "GATEPASS_PUBLIC_ORIGINS": "https://app.example, http://localhost:3000",
            "GATEPASS_ALLOWED_ORIGINS": "https://spa.example,",
            "GATEPASS_TRUSTED_PROXIES": "10.0.0.0/8",
            "GATEPASS_MOUNT_PREFIX": "/api/auth",
        }
    ).policy

    assert policy.https == Https(allowed_hosts=("app.example",))
    assert policy.public_origins == {"https://app.example", "http://localhost:3000"}
    assert policy.allowed_origins == {"https://spa.example"}
    assert policy.cookies is not None
    assert policy.cookies.access == "__Host-gatepass-access"
    assert policy.cookies.refresh_path("/auth") == "/api/auth"


@pytest.mark.parametrize(
    ("domain", "same_site", "ends"),
    [
        ("", "", "; Path=/; SameSite=Strict; Secure"),
        ("example.com", "", "; Path=/; SameSite=Strict; Secure"),
        ("", "Lax", "; Path=/; SameSite=Lax; Secure"),
        ("example.com", "lax", "; Path=/; SameSite=Lax; Secure"),
        ("", "STRICT", "; Path=/; SameSite=Strict; Secure"),
    ],
)
def test_cookies_are_shared_and_sent_with_links_where_the_environment_says(
    domain: str, same_site: str, ends: str
) -> None:
    environ = {
        "GATEPASS_PUBLIC_ORIGINS": "https://app.example.com",
        "GATEPASS_COOKIE_DOMAIN": domain,
        "GATEPASS_COOKIE_SAMESITE": same_site,
    }
    cookies = HttpSettings.from_env(environ).policy.cookies
    assert cookies is not None
    _, cookie = cookies.set("a", "b", "c", seconds=9, mounted_at="/auth")[0]

    assert cookie.startswith("__Secure-" if domain else "__Host-")
    assert ("; Domain=example.com; " in cookie) is bool(domain)
    assert cookie.endswith(ends)


def test_csrf_keys_come_from_secrets_of_their_own_where_they_are_set() -> None:
    environ = {**OWN, "GATEPASS_CSRF_SECRET": SECRET, "GATEPASS_CSRF_SECRET_PREVIOUS": PREVIOUS}
    policy = HttpSettings.from_env(environ).policy
    assert policy.cookies is not None

    assert policy.cookies.csrf_keys == tuple(
        SharedKey.from_secret(secret).derive(CSRF_PURPOSE) for secret in (SECRET, PREVIOUS)
    )
    assert SECRET not in repr(policy)


def test_the_process_environment_is_read_where_none_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GATEPASS_PUBLIC_ORIGINS", "https://app.example")

    assert HttpSettings.from_env().policy.public_origins == {"https://app.example"}


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"GATEPASS_ENV": "prod"}, "GATEPASS_ENV is neither development nor production"),
        (
            {"GATEPASS_PUBLIC_ORIGINS": "*"},
            "^GATEPASS_PUBLIC_ORIGINS: public_origins are written as",
        ),
        (
            {"GATEPASS_PUBLIC_ORIGINS": "https://A.example/"},
            "^GATEPASS_PUBLIC_ORIGINS: .* write https://a.example, without the / at its end",
        ),
        (
            {"GATEPASS_ALLOWED_ORIGINS": "https://a.example:8443/"},
            "^GATEPASS_ALLOWED_ORIGINS: .* write https://a.example:8443, without the / at its end",
        ),
        (
            {"GATEPASS_ALLOWED_ORIGINS": "https://a.example/app"},
            "^GATEPASS_ALLOWED_ORIGINS: allowed_origins are written as",
        ),
        (
            {"GATEPASS_TRUSTED_PROXIES": "everybody"},
            "^GATEPASS_TRUSTED_PROXIES: a trusted proxy is written as",
        ),
        (
            {"GATEPASS_MOUNT_PREFIX": "auth"},
            "^GATEPASS_MOUNT_PREFIX: a mount prefix is written as",
        ),
        (
            {"GATEPASS_MOUNT_PREFIX": "/auth"},
            "MOUNT_PREFIX is for cookies, which need GATEPASS_PUBLIC_ORIGINS",
        ),
        (
            {"GATEPASS_CSRF_SECRET": SECRET},
            "CSRF_SECRET is for cookies, which need GATEPASS_PUBLIC_ORIGINS",
        ),
        (
            {"GATEPASS_PUBLIC_ORIGINS": "https://app.example, http://app.example"},
            "GATEPASS_PUBLIC_ORIGINS names http://app.example, but .* write https://, or leave it",
        ),
        (
            {"GATEPASS_PUBLIC_ORIGINS": "HTTP://App.Example", "GATEPASS_ENV": "production"},
            "GATEPASS_PUBLIC_ORIGINS names http://app.example, but .* write https://, or leave it",
        ),
        (
            {"GATEPASS_COOKIE_DOMAIN": "example.com"},
            "COOKIE_DOMAIN is for cookies, which need GATEPASS_PUBLIC_ORIGINS",
        ),
        (
            {"GATEPASS_COOKIE_SAMESITE": "lax"},
            "COOKIE_SAMESITE is for cookies, which need GATEPASS_PUBLIC_ORIGINS",
        ),
        ({"GATEPASS_COOKIE_SAMESITE": "none"}, "GATEPASS_COOKIE_SAMESITE is strict or lax: pages"),
        (
            {**OWN, "GATEPASS_COOKIE_DOMAIN": ".example.com"},
            "GATEPASS_COOKIE_DOMAIN: a cookie domain is",
        ),
        (
            {**OWN, "GATEPASS_COOKIE_DOMAIN": "example.com"},
            "GATEPASS_COOKIE_DOMAIN: a cookie domain .*: none of public_origins is example.com",
        ),
        (
            {
                "GATEPASS_PUBLIC_ORIGINS": "https://notexample.com,https://example.com.evil.test",
                "GATEPASS_COOKIE_DOMAIN": "example.com",
            },
            "GATEPASS_COOKIE_DOMAIN: a cookie domain .*: none of public_origins is example.com",
        ),
        ({"GATEPASS_CSRF_SECRET": "x" * 12}, "GATEPASS_CSRF_SECRET is rejected"),
        ({"GATEPASS_CSRF_SECRET_PREVIOUS": PREVIOUS}, "without its successor"),
        ({"GATEPASS_ENV": "\udcff"}, "GATEPASS_ENV"),
    ],
)
def test_a_bad_variable_is_one_sentence(environ: Mapping[str, str], sentence: str) -> None:
    with pytest.raises(SettingsRejected, match=sentence) as refused:
        HttpSettings.from_env(environ)

    assert "\n" not in str(refused.value)
    assert PREVIOUS not in str(refused.value)


def test_limits_are_read_one_by_one_and_keep_their_defaults() -> None:
    limits = HttpSettings.from_env(
        {"GATEPASS_ACCOUNT_LIMIT": "5/15 minutes", "GATEPASS_DEVICE_LIMIT": "off"}
    ).limits

    assert limits.rates == {
        "login": Rate(10, 60),
        "account": Rate(5, 900),
        "password": Rate(5, 3600),
    }
    assert HttpSettings.from_env({"GATEPASS_LOGIN_LIMIT": ""}).limits.rates == Limits().rates


@pytest.mark.parametrize("name", ["LOGIN", "ACCOUNT", "DEVICE"])
def test_a_bad_limit_is_named(name: str) -> None:
    with pytest.raises(SettingsRejected) as rejected:
        HttpSettings.from_env({f"GATEPASS_{name}_LIMIT": "often"})

    assert str(rejected.value) == (
        f"GATEPASS_{name}_LIMIT: the limit {name.lower()}: a limit is written as 10/minute, "
        "10/hour or 10/15 minutes"
    )
