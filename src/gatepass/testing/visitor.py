"""A visitor whom an application logged in by cookies, as a page of its own then asks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.cookiejar import CookieJar
from http.cookies import Morsel, SimpleCookie
from types import SimpleNamespace
from typing import Any
from urllib.request import Request

from gatepass.gate import AnyAuth, run_in_place
from gatepass.testing.waiting import wait_for


@dataclass(frozen=True, slots=True)
class Visitor:
    """The cookies of a browser, and the headers that a page sends with them."""

    set_cookies: tuple[str, ...]
    headers: Mapping[str, str]
    origin: str

    @property
    def cookies(self) -> list[Morsel[str]]:
        """The cookies with their paths."""
        jar: SimpleCookie = SimpleCookie()
        for line in self.set_cookies:
            jar.load(line)
        return list(jar.values())

    def fill(self, jar: CookieJar) -> None:
        """Put the cookies into a jar as an answer of the application would."""
        headers = Message()
        for line in self.set_cookies:
            headers["Set-Cookie"] = line
        answer: Any = SimpleNamespace(info=lambda: headers)
        jar.extract_cookies(answer, Request(self.origin))  # noqa: S310 - nothing is opened


def let_in(auth: AnyAuth, subject: str, claims: Mapping[str, Any] | None) -> Visitor:
    """Log a subject in as `auth.log_in` does.

    Raises:
        TypeError: The policy of this `Auth` has no cookies.
    """
    cookies = auth.policy.cookies
    if cookies is None:
        raise TypeError("this Auth has no cookies: give it http=HttpPolicy(cookies=Cookies(…), …)")
    opening = auth.require_gate().open_session(subject, claims)
    answer = wait_for(opening) if auth.is_async else run_in_place(opening)
    token = json.loads(answer.body)["csrf_token"]
    scheme = "http" if cookies.insecure_for_development_over_http else "https"
    return Visitor(
        set_cookies=tuple(value for name, value in answer.headers if name == "Set-Cookie"),
        headers={"X-CSRF-Token": token, "Sec-Fetch-Site": "same-origin"},
        origin=f"{scheme}://testserver",
    )
