"""The rotation table in Lua against the pure function, whatever is presented and whenever."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepass.sessions import RotationKind, Session, rotate
from gatepass.stores.redis import RedisStore
from tests.budget import TIMES
from tests.servers.redis_sets import running
from tests.stores.plans import LIFE, SEC_HASH, Clock, log_in, present

MOMENTS = st.sampled_from([0, 1, 999, 1_000, 1_001, 10_000, 10_001, 59_999, -1, -1_000, -10_001])
GENERATIONS = st.sampled_from([0, 0, 0, 0, 1, 2, 64, 65, -1, -1, -2, -3, -7, -8, -9, -10])
STEPS = st.lists(
    st.tuples(
        GENERATIONS,
        st.one_of(MOMENTS, MOMENTS, MOMENTS, st.integers(0, LIFE // 4)),
        st.sampled_from([0, 1_000, 10_000, 10_000, 10_000, 60_000]),
        st.sampled_from([1, 1_000, 60_000, LIFE // 3, LIFE * 2]),
        st.sampled_from([None, None, b"{}", b'{"role":"' + b"x" * 400 + b'"}']),
        st.sampled_from([True] * 12 + [False]),
    ),
    min_size=1,
    max_size=30,
)
KINDS = [
    "redis 8",
    pytest.param("redis 7", marks=pytest.mark.soak),
    pytest.param("valkey", marks=pytest.mark.soak),
]
reached: Counter[tuple[str, RotationKind]] = Counter()


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=120 * TIMES)
def test_lua_decides_as_the_table_does(kind: str, data: st.DataObject) -> None:
    servers = running(kind)
    clock = Clock()
    store = RedisStore.from_url(servers.url, clock=clock)
    claims = data.draw(st.sampled_from([b"{}", b'{"n":"' + b"1" * 63 + b'"}', b'{"n":"\xc3\xa9"}']))
    model: Session | None = store.issue(log_in(claims=claims))
    assert model is not None

    for back, pass_ms, leeway, idle, new, knows in data.draw(STEPS):
        clock.forward(pass_ms)
        plan: Any = present(
            model.session_id,
            max(model.generation + back, 0),
            sec_hash=SEC_HASH if knows else SEC_HASH[::-1],
            leeway=leeway,
            idle=idle,
            claims=new,
        )
        expected = rotate(model, plan, clock.ms)

        fact = store.rotate(plan)

        assert fact == expected
        model = model if expected.session is None else expected.session
        reached[kind, fact.kind] += 1
    found = [one for one in store.sessions("ada") if one.session_id == model.session_id]
    assert found == ([model] if model.is_live(clock.ms) else [])
    store.close()


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_of_the_table_was_reached(kind: str) -> None:
    if not any(where == kind for where, _ in reached):
        pytest.skip("the comparison did not run")

    assert {what for where, what in reached if where == kind} == set(RotationKind)


def test_a_session_is_read_as_it_was_written() -> None:
    servers = running("redis 8")
    store = RedisStore.from_url(servers.url)
    for length in (0, 1, 63, 64, 65, 127, 128, 129, 255):
        plan = replace(
            log_in("é" * length if length else "ada"),
            device="d" * length,
            client_id="c" * max(length, 1),
            claims_json=b'{"a":"' + b"j" * length * 8 + b'"}',
        )
        issued = store.issue(plan)

        assert issued is not None
        assert issued in store.sessions(plan.subject)
        store.revoke_session(plan.session_id, reason="r" * length)
        found = store.rotate(present(plan.session_id)).session
        assert found is not None
        assert (found.subject, found.reason) == (plan.subject, "r" * length)
    store.close()
