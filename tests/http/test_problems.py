"""The table: every row, every answer's bytes, and what each error means on each route."""

import copy
import pickle

import pytest

from gatepass import errors
from gatepass.errors import GatepassError, KeysUnavailable
from gatepass.http import (
    ACCESS_PROBLEMS,
    LOGIN_PROBLEMS,
    PROBLEMS,
    REFRESH_PROBLEMS,
    Answer,
    Problem,
    RequestRefused,
    answer_json,
    answer_nothing,
    answer_refused,
    refusing,
)
from gatepass.http import problems as table
from gatepass.http.problems import Problems
from tests.cases import case
from tests.web.rows.row import REFUSALS

_NO_STORE = ("Cache-Control", "no-store")
_JSON = ("Content-Type", "application/json")
_DESCRIBED = 'Bearer error="{}", error_description="{}"'


def test_every_row_is_answered_byte_for_byte() -> None:
    for problem in PROBLEMS:
        status, error, challenge = REFUSALS[problem.code]
        headers = [_JSON, _NO_STORE]
        if challenge is not None:
            text = _DESCRIBED.format(challenge, error) if challenge else "Bearer"
            headers.append(("WWW-Authenticate", text))
        if status in {429, 503}:
            headers.append(("Retry-After", "2"))
        body = f'{{"error":"{error}","code":"{problem.code}"}}'.encode()

        assert answer_refused(RequestRefused(problem)) == Answer(status, tuple(headers), body)
    assert {problem.code for problem in PROBLEMS} == REFUSALS.keys()


def test_every_401_and_every_refused_access_token_is_challenged() -> None:
    challenged = {row.code for row in PROBLEMS if row.challenge is not None}

    assert challenged == {row.code for row in PROBLEMS if row.status == 401} | {
        "token_invalid",
        "insufficient_scope",
    }


def test_the_table_lists_every_row_of_the_module() -> None:
    assert set(PROBLEMS) == {row for row in vars(table).values() if isinstance(row, Problem)}


def test_plain_rfc_6750_answers_401_to_a_forged_token_and_changes_nothing_else() -> None:
    changed = {
        problem.code
        for problem in PROBLEMS
        if answer_refused(RequestRefused(problem), invalid_token_status=401)
        != answer_refused(RequestRefused(problem))
    }
    answer = answer_refused(RequestRefused(table.TOKEN_INVALID), invalid_token_status=401)

    assert changed == {"token_invalid"}
    assert answer.status == 401


def test_a_refusal_says_when_to_try_again_and_never_at_once() -> None:
    waiting = answer_refused(RequestRefused(table.RATE_LIMITED, retry_after=41))
    at_once = answer_refused(RequestRefused(table.RATE_LIMITED, retry_after=0))

    assert ("Retry-After", "41") in waiting.headers
    assert ("Retry-After", "1") in at_once.headers


DOORS: list[tuple[Problems, type[GatepassError], str]] = [
    (ACCESS_PROBLEMS, errors.TokenMissing, "token_missing"),
    (ACCESS_PROBLEMS, errors.TokenMalformed, "token_invalid"),
    (ACCESS_PROBLEMS, errors.TokenInvalid, "token_invalid"),
    (ACCESS_PROBLEMS, errors.TokenExpired, "token_expired"),
    (ACCESS_PROBLEMS, errors.TokenRevoked, "token_revoked"),
    (ACCESS_PROBLEMS, errors.StoreUnavailable, "store_unavailable"),
    (REFRESH_PROBLEMS, errors.TokenMissing, "refresh_missing"),
    (REFRESH_PROBLEMS, errors.TokenMalformed, "refresh_invalid"),
    (REFRESH_PROBLEMS, errors.TokenInvalid, "refresh_invalid"),
    (REFRESH_PROBLEMS, errors.TokenExpired, "refresh_expired"),
    (REFRESH_PROBLEMS, errors.TokenRevoked, "refresh_revoked"),
    (REFRESH_PROBLEMS, errors.RefreshReused, "refresh_reused"),
    (REFRESH_PROBLEMS, errors.SessionRevoked, "refresh_revoked"),
    (REFRESH_PROBLEMS, errors.SessionExpired, "refresh_expired"),
    (REFRESH_PROBLEMS, errors.SessionUnknown, "refresh_invalid"),
    (REFRESH_PROBLEMS, errors.SubjectDisabled, "refresh_revoked"),
    (REFRESH_PROBLEMS, errors.StoreUnavailable, "store_unavailable"),
    (LOGIN_PROBLEMS, errors.SubjectDisabled, "invalid_credentials"),
    (LOGIN_PROBLEMS, errors.SubjectEpochChanged, "invalid_credentials"),
    (LOGIN_PROBLEMS, errors.StoreUnavailable, "store_unavailable"),
]


def test_a_door_answers_each_error_it_knows() -> None:
    for problems, error, code in DOORS:
        with case(error), pytest.raises(RequestRefused) as refused, refusing(problems):
            raise error

        assert refused.value.problem.code == code
        assert isinstance(refused.value.__cause__, error)


@pytest.mark.parametrize("problems", [ACCESS_PROBLEMS, REFRESH_PROBLEMS, LOGIN_PROBLEMS])
@pytest.mark.parametrize("error", [errors.ClaimsRejected, errors.KeyRejected])
def test_a_fault_of_the_application_is_not_blamed_on_the_client(
    problems: Problems, error: type[GatepassError]
) -> None:
    with pytest.raises(error), refusing(problems):
        raise error


def test_a_door_keeps_the_time_after_which_keys_may_be_had_again() -> None:
    with pytest.raises(RequestRefused) as refused, refusing(ACCESS_PROBLEMS):
        raise KeysUnavailable(retry_after=7)

    assert refused.value.problem is table.STORE_UNAVAILABLE
    assert ("Retry-After", "7") in answer_refused(refused.value).headers


def test_a_refusal_passes_through_a_door_as_it_is() -> None:
    refused = RequestRefused(table.SESSION_UNKNOWN)

    with pytest.raises(RequestRefused) as passed, refusing(ACCESS_PROBLEMS):
        raise refused

    assert passed.value is refused


def test_no_success_is_stored_unless_it_says_for_how_long() -> None:
    assert answer_json({"a": 1}) == Answer(200, (_JSON, _NO_STORE), b'{"a":1}')
    assert answer_json([], cache="public").headers == (_JSON, ("Cache-Control", "public"))
    assert answer_nothing() == Answer(204, (_NO_STORE,), b"")


def test_the_text_of_an_answer_holds_no_body() -> None:
    assert "hunter2" not in repr(answer_json({"access_token": "hunter2"}))


@pytest.mark.parametrize(
    "refused",
    [
        RequestRefused(table.TOKEN_EXPIRED),
        RequestRefused(table.INVALID_REQUEST, challenge="invalid_request"),
        RequestRefused(table.RATE_LIMITED, retry_after=41),
        RequestRefused(table.INSUFFICIENT_SCOPE, parameters={"scope": "read write"}),
    ],
    ids=lambda refused: refused.problem.code,
)
def test_a_refusal_says_the_same_in_another_process(refused: RequestRefused) -> None:
    for twin in (pickle.loads(pickle.dumps(refused)), copy.deepcopy(refused)):  # noqa: S301 - our own bytes
        assert type(twin) is RequestRefused
        assert (str(twin), vars(twin)) == (str(refused), vars(refused))
        assert answer_refused(twin) == answer_refused(refused)


def test_every_error_says_the_same_in_another_process() -> None:
    kinds = [each for each in vars(errors).values() if isinstance(each, type)]
    for raised in (kind("in our own words") for kind in kinds if issubclass(kind, GatepassError)):
        twin = pickle.loads(pickle.dumps(raised))  # noqa: S301 - our own bytes

        assert (type(twin), str(twin)) == (type(raised), "in our own words")
