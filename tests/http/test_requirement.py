"""What a route may ask of a token that holds."""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from gatepass import AccessClaims
from gatepass.http import RequestRefused, Requirement

NOW = 1_800_000_000


def refusal(
    requirement: Requirement,
    claims: Mapping[str, Any] | None = None,
    scopes: frozenset[str] = frozenset(),
    auth_time: object = NOW,
) -> RequestRefused | None:
    try:
        held = AccessClaims(dict(claims or {}))
        requirement.check(held, scopes=scopes, roles=held.roles, auth_time=auth_time, now=NOW)
    except RequestRefused as refused:
        return refused
    return None


def test_asking_for_nothing_is_met_by_every_token() -> None:
    assert refusal(Requirement(), auth_time=None) is None


def test_all_scopes_must_be_there_and_the_challenge_names_them() -> None:
    requirement = Requirement(scopes=("read", "write"))
    refused = refusal(requirement, scopes=frozenset({"read"}))

    assert refusal(requirement, scopes=frozenset({"read", "write", "more"})) is None
    assert refused is not None
    assert refused.problem.code == "insufficient_scope"
    assert refused.parameters == {"scope": "read write"}


@pytest.mark.parametrize("role", ["admin", "auditor", ["user", "admin"]])
def test_one_of_the_roles_is_enough(role: object) -> None:
    assert refusal(Requirement(roles=("admin", "auditor")), {"role": role}) is None


@pytest.mark.parametrize("role", ["user", "ADMIN", "admin ", "", None, [], ["user"], 1, {"a": 1}])
def test_no_other_role_will_do(role: object) -> None:
    refused = refusal(Requirement(roles=("admin",)), {"role": role})

    assert refused is not None
    assert refused.problem.code == "insufficient_scope"
    assert refused.parameters == {}


@pytest.mark.parametrize("role", [{"admin": 1}, [["admin"]], [{"admin": 1}], [[]]])
@pytest.mark.parametrize("kind", [set, frozenset, dict.fromkeys, tuple, list])
def test_an_object_or_list_in_the_place_of_a_role_is_no_role(kind: Any, role: object) -> None:
    refused = refusal(Requirement(roles=kind(["admin"])), {"role": role})

    assert refused is not None
    assert refused.problem.code == "insufficient_scope"
    assert refusal(Requirement(roles=kind(["admin"])), {"role": [role, "admin"]}) is None


def test_a_token_without_a_role_has_none() -> None:
    assert refusal(Requirement(roles=("admin",))) is not None


def test_a_log_in_is_fresh_up_to_the_last_second() -> None:
    requirement = Requirement(fresh=timedelta(minutes=5))

    assert refusal(requirement, auth_time=NOW - 300) is None


@pytest.mark.parametrize("auth_time", [NOW + 60, NOW + 59.5, NOW, NOW - 299.5])
def test_a_log_in_by_a_clock_a_minute_ahead_is_fresh(auth_time: float) -> None:
    assert refusal(Requirement(fresh=timedelta(minutes=5)), auth_time=auth_time) is None


@pytest.mark.parametrize(
    "auth_time", [NOW + 61, NOW + 10**9, 10**400, -(10**400), math.nan, math.inf, -math.inf]
)
def test_a_log_in_of_the_future_or_of_no_time_is_not_fresh(auth_time: float) -> None:
    refused = refusal(Requirement(fresh=timedelta(minutes=5)), auth_time=auth_time)

    assert refused is not None
    assert refused.problem.code == "insufficient_user_authentication"


@pytest.mark.parametrize("auth_time", [NOW - 301, None, "1800000000"])
def test_an_old_or_unknown_log_in_is_not_fresh(auth_time: object) -> None:
    refused = refusal(Requirement(fresh=timedelta(minutes=5)), auth_time=auth_time)

    assert refused is not None
    assert refused.problem.code == "insufficient_user_authentication"
    assert refused.parameters == {"max_age": "300"}


def test_an_actor_is_never_fresh_because_the_user_gave_no_password() -> None:
    refused = refusal(Requirement(fresh=timedelta(minutes=5)), {"act": {"sub": "support-7"}})

    assert refused is not None
    assert refused.problem.code == "insufficient_scope"


def test_a_lone_string_is_refused_because_its_letters_would_be_the_names() -> None:
    with pytest.raises(TypeError, match="scopes takes a tuple"):
        Requirement(scopes="admin")
    with pytest.raises(TypeError, match="roles takes a tuple"):
        Requirement(roles="admin")


def test_an_iterator_asks_for_the_same_at_every_request() -> None:
    requirement = Requirement(scopes=iter(["read"]), roles=iter(["admin"]))  # type: ignore[arg-type]
    held = frozenset({"read"})

    for _ in range(2):
        assert refusal(requirement, {"role": "admin"}) is not None
        assert refusal(requirement, {"role": "user"}, held) is not None
        assert refusal(requirement, {"role": "admin"}, held) is None


@pytest.mark.parametrize("fresh", [timedelta(), timedelta(seconds=-1)])
def test_a_freshness_that_nothing_meets_is_refused(fresh: timedelta) -> None:
    with pytest.raises(ValueError, match="positive"):
        Requirement(fresh=fresh)


@pytest.mark.parametrize("fresh", [True, False, 300, 0.5, "5m"])
def test_a_freshness_that_is_no_duration_is_told_with_the_right_form(fresh: Any) -> None:
    with pytest.raises(TypeError, match=rf"timedelta\(minutes=5\); it is not {fresh!r}$"):
        Requirement(fresh=fresh)


@pytest.mark.parametrize("scope", ["", " ", "reports:read reports:write"])
def test_a_scope_that_no_token_can_have_is_told(scope: str) -> None:
    with pytest.raises(ValueError, match=r"each of scopes is one word"):
        Requirement(scopes=["reports:read", scope])


@pytest.mark.parametrize("empty", [(), [], set(), iter(())])
def test_an_empty_list_of_scopes_or_roles_would_let_everybody_in(empty: Any) -> None:
    with pytest.raises(ValueError, match="scopes is empty"):
        Requirement(scopes=empty)
    with pytest.raises(ValueError, match="roles is empty"):
        Requirement(roles=empty)


@pytest.mark.parametrize(
    ("requirement", "sessions", "keys"),
    [
        (Requirement(), True, False),
        (Requirement(roles=("admin",)), True, False),
        (Requirement(scopes=("read",)), True, True),
        (Requirement(scopes=("read",), fresh=timedelta(minutes=5)), True, False),
        (Requirement(scopes=("read",), kinds={"session"}), True, False),
        (Requirement(kinds={"session"}), True, False),
        (Requirement(kinds={"key"}), False, True),
        (Requirement(kinds=["session", "key"]), True, True),
    ],
)
def test_keys_pass_where_scopes_are_named_or_keys_are(
    requirement: Requirement, *, sessions: bool, keys: bool
) -> None:
    def passes(kind: str) -> bool:
        try:
            requirement.check(
                {},
                scopes={"read"},
                roles={"admin"},
                auth_time=NOW if kind == "session" else None,
                now=NOW,
                kind=kind,
            )
        except RequestRefused:
            return False
        return True

    assert (passes("session"), passes("key")) == (sessions, keys)
    assert requirement.asks is (not sessions or bool(requirement.scopes or requirement.roles))


def test_kinds_that_make_no_sense_are_refused_when_the_guard_is_made() -> None:
    for kinds in ((), {"keys"}, {"session", "token"}):
        with pytest.raises(ValueError, match="kinds"):
            Requirement(kinds=kinds)
    with pytest.raises(TypeError, match="kinds"):
        Requirement(kinds="key")
    with pytest.raises(ValueError, match="fresh"):
        Requirement(kinds={"key"}, fresh=timedelta(minutes=5))
