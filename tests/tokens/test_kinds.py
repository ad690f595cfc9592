"""Claims of the kinds that applications have: a JSON form, or a rejection with the next step."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pydantic
import pytest
from django.utils.functional import lazystr
from django.utils.safestring import SafeString

from gatepass import AccessClaims, TokenIssuer, TokenManager, TokenPolicy, TokenVerifier
from gatepass.errors import ClaimsRejected
from gatepass.jose import SharedKey
from gatepass.stores.memory import MemoryStore

ID = UUID("0fd5c2a6-7f5e-4b0e-9d43-6c1f5f5f1a11")
NAMES: dict[str, Any] = {"issuer": "api-server", "audience": "api-client"}
USES = ("access", "refresh")
Issue = Callable[[Any, Mapping[str, Any]], AccessClaims]


class Role(StrEnum):
    ADMIN = "admin"


class Plan(Enum):
    PRO = "pro"
    ODD = object()


class Level(int):
    """A number of an application's own kind."""


class Ratio(float):
    """The same."""


def by_manager(subject: Any, claims: Mapping[str, Any]) -> AccessClaims:
    keys: dict[str, Any] = {
        "access_keys": SharedKey.generate(),
        "refresh_keys": SharedKey.generate(),
    }
    allowed = {"plan": ["pro"], "roles": ["admin"]}
    policy = TokenPolicy(**NAMES, allowed_values=allowed)
    with TokenManager(policy, **keys, store=MemoryStore()) as manager:
        pair = manager.issue(subject, claims, session_claims={"how": claims})
        [session] = manager.sessions(subject)

        assert type(session.subject) is str
        return manager.verify(manager.refresh(pair.refresh_token).access_token)


def by_issuer(subject: Any, claims: Mapping[str, Any]) -> AccessClaims:
    key = SharedKey.generate()
    token = TokenIssuer(key, **NAMES, lifetime=9).issue(subject, claims)
    return TokenVerifier(key, **NAMES).verify(token)


@pytest.fixture(params=[by_manager, by_issuer])
def issue(request: pytest.FixtureRequest) -> Issue:
    made: Issue = request.param
    return made


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (ID, str(ID)),
        (datetime(2026, 11, 30, 12, tzinfo=UTC), "2026-11-30T12:00:00Z"),
        (Decimal("1.10"), "1.10"),
        (SafeString("<b>"), "<b>"),
        ([SafeString("<b>")], ["<b>"]),
        (Level(3), 3),
        (Ratio(0.5), 0.5),
        (MappingProxyType({"a": (1,)}), {"a": [1]}),
    ],
)
def test_values_of_common_kinds_have_a_json_form(issue: Issue, value: Any, form: Any) -> None:
    assert issue("ada", {"x": value})["x"] == form


def test_allowed_values_are_compared_with_the_json_form(issue: Issue) -> None:
    claims = issue(Role.ADMIN, {"plan": Plan.PRO, "roles": (Role.ADMIN,)})

    assert (claims["plan"], claims["roles"], claims.subject) == ("pro", ["admin"], "admin")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (lazystr("text"), "the claim x has no JSON form: write str(…), or a dict or list of its"),
        ([{"a": object()}], "values, for object"),
        (Plan.ODD, "values, for object"),
        (AccessClaims({"sub": "bob"}), "the claim x has no JSON form: write dict(…) of it"),
        ("\ud800", "the claim x has no JSON form"),
        (math.nan, "the claim x is NaN or Infinity, which have no JSON form"),
        ([ID, Ratio("inf")], "the claim x is NaN or Infinity, which have no JSON form"),
        ({(1, 2): 3}, "the claim x has no JSON form"),
    ],
)
def test_a_value_without_a_json_form_is_rejected_by_name(
    issue: Issue, value: Any, said: str
) -> None:
    with pytest.raises(ClaimsRejected) as rejected:
        issue("ada", {"fine": 1, "x": value})

    assert said in str(rejected.value)


def test_a_number_that_no_verifier_reads_is_rejected() -> None:
    with pytest.raises(ClaimsRejected, match="too many digits"):
        by_manager("ada", {"x": 10**450, "y": "a" * 100})


@pytest.mark.parametrize("subject", [7, ID, lazystr("ada")])
def test_a_subject_that_is_no_text_is_rejected_with_the_cure(issue: Issue, subject: Any) -> None:
    kind = type(subject).__name__
    with pytest.raises(ClaimsRejected) as rejected:
        issue(subject, {})

    expected = f"a subject is a text of 1 to 255 characters, and not {kind}: write str(user.id)"
    assert str(rejected.value) == expected


def test_the_other_methods_reject_an_id_that_is_no_text_with_the_cure() -> None:
    keys: dict[str, Any] = {
        "access_keys": SharedKey.generate(),
        "refresh_keys": SharedKey.generate(),
    }
    manager: Any = TokenManager(TokenPolicy(**NAMES), **keys, store=MemoryStore())
    for call in (manager.revoke_subject, manager.sessions, manager.subject_epoch):
        with pytest.raises(ClaimsRejected, match=r"and not int: write str\(user.id\)"):
            call(7)
    with pytest.raises(ClaimsRejected, match=r"session_id .* and not UUID: write str\(…\)"):
        manager.revoke_session(ID)
    with pytest.raises(ClaimsRejected, match=r"not NoneType$"):
        manager.issue(None)
    with pytest.raises(ClaimsRejected, match=r"its sub a subject, as in .*str\(user.id\)"):
        manager.issue("ada", {"act": {"sub": 7}})


class Model(pydantic.BaseModel):
    sub: str
    user: UUID
    at: datetime


@pydantic.dataclasses.dataclass
class Checked:
    sub: str
    user: UUID
    at: datetime


@dataclass
class Plain:
    sub: str
    user: UUID
    at: datetime


@pytest.mark.parametrize("kind", [Model, Checked, Plain])
def test_claims_are_read_into_types_of_pydantic_and_dataclasses(kind: Any) -> None:
    claims = {"sub": "ada", "user": str(ID), "at": "2026-11-30T12:00:00Z", "more": 1}
    made = AccessClaims(claims).to(kind)

    assert type(made) is kind
    assert (made.user, made.at) == (ID, datetime(2026, 11, 30, 12, tzinfo=UTC))
    with pytest.raises(ClaimsRejected, match=f"do not fit {kind.__name__}$") as rejected:
        AccessClaims({**claims, "user": "a secret"}).to(kind)
    assert rejected.value.__cause__ is None


def test_pydantic_shows_claims_as_an_object_and_never_makes_them() -> None:
    adapter = pydantic.TypeAdapter(AccessClaims)
    claims = AccessClaims({"sub": "ada", "roles": ["user"]})

    assert adapter.validate_python(claims) is claims
    assert adapter.dump_json(claims) == b'{"sub":"ada","roles":["user"]}'
    assert adapter.json_schema(mode="serialization")["type"] == "object"
    with pytest.raises(pydantic.ValidationError):
        adapter.validate_python({"sub": "ada"})
