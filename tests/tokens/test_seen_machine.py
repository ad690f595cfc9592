"""A verifier that remembers never answers what one without memory would not, whatever happens."""

import inspect
import sys
import textwrap
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import StopTest
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gatepass.tokens.claims_verifier import ClaimsVerifier
from gatepass.tokens.verifier import AsyncTokenVerifier, TokenVerifier
from tests.budget import LONG
from tests.tokens.seen_world import SOURCES, World

EXAMPLES = 1_000 if LONG else 40
STEPS = 50
STEPS_IN_ALL = 1_000_000 if LONG else 1_000
"""A million take some 25 minutes of one core."""
HELD = 12
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


NO_MEMORY = "(self._claims._seen is None or not self._claims._seen.young.get(token[-32:]))"


class Seen(RuleBasedStateMachine):
    """Asks both verifiers the same, with tokens, keys, clocks and revocations that change."""

    kinds: tuple[str, ...] = SOURCES
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[str] = []
        self.folder = TemporaryDirectory()

    @initialize(data=st.data())
    def start(self, data: st.DataObject) -> None:
        kind, is_async = data.draw(st.sampled_from(self.kinds)), data.draw(st.booleans())
        self.world = World(kind, Path(self.folder.name), is_async=is_async)
        for number in range(3):
            self.tokens.append(self.world.issue(0, {"role": number}, 60))

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()
        self.folder.cleanup()

    @rule(
        signer=st.integers(0, 3),
        claims=st.dictionaries(st.sampled_from("xyz"), VALUES),
        lifetime=st.sampled_from([1, 30, 600]),
        nbf=st.sampled_from([-10, 0, 3, 30]),
    )
    def issue(self, signer: int, claims: dict[str, Any], lifetime: int, nbf: int) -> None:
        self.tokens.append(self.world.issue(signer, claims, lifetime, nbf))
        del self.tokens[:-HELD]

    @rule(which=st.integers(0, HELD - 1), times=st.integers(1, 4))
    def ask(self, which: int, times: int) -> None:
        for _ in range(times):
            self.same(self.tokens[which % len(self.tokens)])

    @rule()
    def ask_all(self) -> None:
        for token in self.tokens:
            self.same(token)

    @rule(which=st.integers(0, HELD - 1), at=st.integers(0, 400), to=st.sampled_from("Aaz_-."))
    def ask_for_a_bent_one(self, which: int, at: int, to: str) -> None:
        token = self.tokens[which % len(self.tokens)]
        at %= len(token)
        self.same(token[:at] + to + token[at + 1 :])
        self.same(token)

    @rule(which=st.integers(0, HELD - 1))
    def change_what_was_returned(self, which: int) -> None:
        token = self.tokens[which % len(self.tokens)]
        if isinstance(self.same(token), dict) and not self.world.denylist.is_down:
            for value in self.world.verify(token).values():
                if isinstance(value, list):
                    value.append("planted")
                elif isinstance(value, dict):
                    value["planted"] = True
        self.same(token)

    @rule(seconds=st.sampled_from([-100_000, -61, -6, -1, 0.5, 5, 6, 31, 66, 610]))
    def set_the_clock(self, seconds: float) -> None:
        self.world.now += seconds

    @rule(seconds=st.sampled_from([1, 11, 61, 3000, 5000, 100_000]))
    def wait(self, seconds: float) -> None:
        self.world.steady += seconds

    @rule(choice=st.integers(0, 3))
    def change_keys(self, choice: int) -> None:
        self.world.change_keys(choice)

    @rule(which=st.integers(0, HELD - 1))
    def revoke(self, which: int) -> None:
        verdict = self.same(self.tokens[which % len(self.tokens)])
        if isinstance(verdict, dict):
            self.world.denylist.ids.add(verdict["jti"])

    @rule()
    def restore(self) -> None:
        """As a backup does, which is un-revoking."""
        self.world.denylist.ids.clear()

    @rule(is_down=st.booleans())
    def stop_or_start_the_store(self, *, is_down: bool) -> None:
        self.world.denylist.is_down = is_down

    @rule(repeats=st.integers(1, 2))
    def flood(self, repeats: int) -> None:
        for number in range(12):
            token = self.world.issue(0, {"once": number}, 600)
            for _ in range(repeats):
                self.same(token)

    def same(self, token: str) -> Any:
        return self.world.require_same(token)

    @precondition(lambda self: hasattr(self, "world"))
    @invariant()
    def the_room_is_bounded(self) -> None:
        Seen.steps += 1  # an invariant is looked at after each
        memory = self.world.seen._claims._seen

        assert len(memory.young) + len(memory.old) <= 24


class OfOneSource(Seen):
    """The source in which anything may happen, so that it does happen soon."""

    kinds = ("changing",)


def run(machine: type[Seen], *phases: Phase, examples: int = EXAMPLES) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            phases=phases or tuple(Phase),
            derandomize=not LONG,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_no_answer_is_another_than_without_memory() -> None:
    before = Seen.steps
    while Seen.steps - before < STEPS_IN_ALL:
        run(Seen)


def mutant(kind: type[Any], look: str, instead: str) -> Any:
    """A method of the class without one look, compiled anew."""
    name = "open" if kind is ClaimsVerifier else "verify"
    source = textwrap.dedent(inspect.getsource(getattr(kind, name)))
    assert source.count(look) == 1
    scope = dict(vars(sys.modules[kind.__module__]))
    exec(source.replace(look, instead), scope)  # noqa: S102 - our own source, one look less
    return name, scope[name]


@pytest.mark.parametrize(
    ("kinds", "look", "instead"),
    [
        ((ClaimsVerifier,), "entry[2] > now and ", ""),
        ((ClaimsVerifier,), " and entry[3] <= now", ""),
        ((ClaimsVerifier,), "entry[1] is keys", "True"),
        ((ClaimsVerifier,), "entry[0] == token", "True"),
        (
            (TokenVerifier, AsyncTokenVerifier),
            "is_revoked is not None",
            f"is_revoked is not None and {NO_MEMORY}",
        ),
    ],
    ids=["exp", "nbf", "keys", "text", "revocation"],
)
def test_a_verifier_that_skips_one_look_is_found_out(
    kinds: tuple[type[Any], ...], look: str, instead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in kinds:
        name, method = mutant(kind, look, instead)
        monkeypatch.setattr(kind, name, method)

    with pytest.raises((AssertionError, StopTest)):
        run(OfOneSource, Phase.generate, examples=1000)
