"""Views of every kind, and what Django's own CSRF check has to say."""

from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client

from tests.django.auth import ORIGIN, manager
from tests.django.conftest import PASSWORD

MISSING = b'{"error":"Access token required","code":"token_missing"}'
CSRF = b'{"error":"CSRF check failed","code":"csrf_failed"}'


def bearer(token: str) -> dict[str, Any]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("path", ["/private", "/open"])
def test_a_token_in_a_header_needs_no_csrf_token(path: str, client: Client, token: str) -> None:
    assert client.post(path, headers=bearer(token)).status_code == 200


@pytest.mark.parametrize("path", ["/open", "/open-later"])
def test_without_a_token_djangos_own_check_applies(path: str, client: Client) -> None:
    client.cookies["csrftoken"] = "a" * 32
    bare = client.post(path)
    proved = client.post(path, headers={"X-CSRFToken": "a" * 32})

    assert (bare.status_code, bare.content) == (403, CSRF)
    assert proved.json() == {"subject": None}


def test_a_view_that_was_exempt_before_stays_so(client: Client) -> None:
    assert client.post("/open-exempt").json() == {"subject": None}


def test_a_view_that_nothing_guards_knows_nobody(client: Client, token: str) -> None:
    assert client.get("/plain", headers=bearer(token)).json() == {"subject": None}
    assert client.post("/plain").status_code == 403


def test_refusals_and_outages_in_views_are_answered_with_the_table(client: Client) -> None:
    failing, refusing = client.get("/failing"), client.get("/refusing")

    assert failing.content == b'{"error":"Temporarily unavailable","code":"store_unavailable"}'
    assert (failing.status_code, failing["Retry-After"]) == (503, "2")
    assert (refusing.status_code, refusing["Retry-After"]) == (429, "9")


@pytest.mark.parametrize("path", ["/social", "/social-later"])
def test_a_log_in_by_other_means_sets_the_cookies(path: str, client: Client, ada: User) -> None:
    response = client.get(path)
    read = client.get("/private")

    assert set(response.json()) == {
        "expires_in",
        "refresh_expires_in",
        "session_id",
        "csrf_token",
    }
    assert client.cookies["gatepass-refresh"]["path"] == "/api/auth"
    assert read.json() == {"subject": str(ada.pk)}


def test_a_browser_with_cookies_proves_itself_to_gatepass_and_not_to_django(
    client: Client, ada: User
) -> None:
    proof = {"Origin": ORIGIN, "X-CSRF-Token": client_csrf(client, ada)}

    assert client.post("/private").content == CSRF
    assert client.post("/private", headers=proof).status_code == 200
    out = client.post("/api/auth/logout", content_type="application/json", headers=proof)
    assert out.status_code == 200
    assert client.cookies["gatepass-access"].value == ""


def client_csrf(client: Client, ada: User) -> str:
    form = {"username": ada.username, "password": PASSWORD, "cookies": True}
    response = client.post(
        "/api/auth/login", form, content_type="application/json", headers={"Origin": ORIGIN}
    )
    token: str = response.json()["csrf_token"]
    return token


def test_djangos_users_log_in_and_refresh(client: Client, ada: User) -> None:
    form = {"username": "ada", "password": PASSWORD}
    pair = client.post("/api/auth/login", form, content_type="application/json").json()
    body = {"refresh_token": pair["refresh_token"]}
    successor = client.post("/api/auth/refresh", body, content_type="application/json").json()
    claims = manager.verify(successor["access_token"])

    assert claims.subject == str(ada.pk)
    assert (claims["username"], claims["role"]) == ("ada", "user")


def test_rest_framework_sees_the_tokens_user_or_djangos(client: Client, token: str) -> None:
    light = client.get("/rest", headers=bearer(token))
    heavy = client.get("/rest-user", headers=bearer(token))

    assert light.json() == {"user": "ada", "kind": "TokenUser", "admin": False}
    assert heavy.json() == {"user": "ada", "kind": "User", "admin": False}


def test_rest_frameworks_refusals_are_the_tables(client: Client, token: str, ada: User) -> None:
    missing = client.get("/rest")
    forged = client.get("/rest", headers=bearer("abcdefgh"))
    User.objects.filter(pk=ada.pk).update(is_active=False)
    gone = client.get("/rest-user", headers=bearer(token))

    assert (missing.status_code, missing.content) == (401, MISSING)
    assert (forged.status_code, forged.json()["code"]) == (403, "token_invalid")
    assert (gone.status_code, gone.json()["code"]) == (401, "token_revoked")
    assert client.post("/rest", headers=bearer(token)).status_code == 405


@pytest.mark.parametrize(
    ("script_name", "path"),
    [("/site", "/site/api/auth"), ("/ro ot;Domain=evil.example", "/api/auth")],
)
def test_the_script_name_is_part_of_the_cookies_path_if_it_can_be(
    script_name: str, path: str, ada: User
) -> None:
    application = httpx.WSGITransport(app=WSGIHandler(), script_name=script_name)
    body = {"username": ada.username, "password": PASSWORD, "cookies": True}
    with httpx.Client(transport=application, base_url=ORIGIN) as browser:
        logged_in = browser.post("/api/auth/login", json=body, headers={"Origin": ORIGIN})
        social = browser.get("/social")

    for answer in (logged_in, social):
        cookies = SimpleCookie("\r\n".join(answer.headers.get_list("set-cookie")))
        assert cookies["gatepass-refresh"]["path"] == path
