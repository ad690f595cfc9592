"""A login under attack: the gate of a service over a store in memory, on a clock that is set."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gatepass import TokenManager, TokenPolicy
from gatepass.errors import StoreUnavailable
from gatepass.gate import Gate, run_in_place
from gatepass.http import (
    DEFAULT_LIMITS,
    AsgiRequest,
    Cookies,
    HttpPolicy,
    Identity,
    Limits,
    RequestRefused,
)
from gatepass.sessions import IssuePlan, Session
from gatepass.sessions.limits import Bucket
from gatepass.stores.memory import MemoryStore
from tests.attacks.service import ACCESS, REFRESH
from tests.attacks.target import AUDIENCE, ISSUER, NOW

PASSWORD = "a password that its owner knows"
WRONG = "a guess"
COOKIE = "__Host-gatepass-device"
ORIGIN = "https://app.example"


class RecordingStore(MemoryStore):
    """A memory store that tells what it was given to count."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.taken: list[list[Bucket]] = []
        self.operations: list[str] = []
        self.loses_answers = False

    def give_back(self, buckets: Sequence[Bucket]) -> None:
        self.operations.append("give_back")
        super().give_back(buckets)

    def subject_epoch(self, subject: str) -> int:
        self.operations.append("subject_epoch")
        return super().subject_epoch(subject)

    def issue(self, plan: IssuePlan) -> Session | None:
        self.operations.append("issue")
        session = super().issue(plan)
        if self.loses_answers:
            raise StoreUnavailable
        return session

    def take(self, buckets: Sequence[Bucket]) -> int:
        self.operations.append("take")
        self.taken.append(list(buckets))
        return super().take(self.taken[-1])


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to a login."""

    status: int
    body: dict[str, Any]
    retry_after: int | None = None
    cookies: tuple[str, ...] = ()

    @property
    def mark(self) -> str:
        """The mark of the device that the login was on."""
        token: str = self.body["device_token"]
        return token

    @property
    def cookie(self) -> str:
        """The value of the device's cookie."""
        [cookie] = [line for line in self.cookies if line.startswith(f"{COOKIE}=")]
        return cookie.partition(";")[0].partition("=")[2]


@dataclass
class Login:
    """The login of a service whose accounts are ada, grace and mallory."""

    limits: Limits | None = DEFAULT_LIMITS
    trusted_proxies: tuple[str, ...] = ()
    now: float = float(NOW)
    tried: list[str] = field(default_factory=list)
    """The user names whose password was checked."""
    audience: str = AUDIENCE

    def __post_init__(self) -> None:
        self.store = RecordingStore(clock=lambda: self.now)
        self.manager = TokenManager(
            TokenPolicy(issuer=ISSUER, audience=self.audience),
            access_keys=ACCESS,
            refresh_keys=REFRESH,
            store=self.store,
            now=lambda: self.now,
        )
        self.gate = Gate(
            self.manager,
            authenticate=self._authenticate,
            limits=self.limits,
            policy=HttpPolicy(
                cookies=Cookies(), public_origins=[ORIGIN], trusted_proxies=self.trusted_proxies
            ),
            call=lambda function, *args: function(*args),
            now=lambda: self.now,
        )

    def _authenticate(self, username: str, password: str) -> Identity | None:
        self.tried.append(username)
        epoch = self.manager.subject_epoch(f"user-{username}")
        known = username.lower() in {"ada", "grace", "mallory"} and password == PASSWORD
        return Identity(f"user-{username}", {}, epoch) if known else None

    def log_in(
        self,
        username: str = "ada",
        password: str = PASSWORD,
        *,
        address: str = "198.51.100.7",
        headers: tuple[tuple[str, str], ...] = (),
        **members: Any,
    ) -> Outcome:
        """The answer to one login; `members` are further members of its body."""
        given = (("content-type", "application/json"), ("origin", ORIGIN), *headers)
        scope = {
            "type": "http",
            "method": "POST",
            "scheme": "https",
            "client": (address, 49_152) if address else None,
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in given],
        }
        body = json.dumps({"username": username, "password": password} | members).encode()
        try:
            answer = run_in_place(self.gate.log_in(AsgiRequest(scope), body))
        except RequestRefused as refused:
            return Outcome(refused.problem.status, {}, refused.retry_after)
        cookies = tuple(value for name, value in answer.headers if name == "Set-Cookie")
        return Outcome(answer.status, json.loads(answer.body), None, cookies)

    def guess(self, username: str = "ada", **how: Any) -> Outcome:
        """The answer to a wrong password."""
        return self.log_in(username, WRONG, **how)

    def exhaust(self, username: str = "ada") -> None:
        """Use up the account's guesses, each from an address of its own."""
        outcomes = [self.guess(username, address=f"192.0.2.{one}").status for one in range(11)]
        assert outcomes == [401] * 10 + [429]
