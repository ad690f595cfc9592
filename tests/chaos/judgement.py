"""What a scenario must come to."""

import os
import signal
from subprocess import Popen

from tests.budget import LONG
from tests.chaos.history import History
from tests.chaos.report import REPORT
from tests.chaos.scenario import CONTROLS, Scenario


def require_nothing_wrong(scenario: Scenario, history: History) -> None:
    """What every scenario but the controls must come to."""
    figures = scenario.figures
    assert history.accepted_late(figures.bound_s) == []
    at_once = scenario.opaque_verifiers
    assert [one for one in history.accepted_late(0.0) if one.verifier in at_once] == []
    assert at_once <= {one.verifier for one in history.verdicts if one.answer == "refused"}
    assert figures.lost == 0
    if LONG or os.environ.get(REPORT):  # a busy machine is slow, too
        assert history.slow() == []
    assert history.refused_wrongly() == []
    assert figures.refused > 0
    assert figures.acknowledged > 0


def require_late(scenario: Scenario, history: History) -> None:
    """What a control must come to: each of its verifiers is found out."""
    late = {verdict.verifier for verdict in history.accepted_late(scenario.figures.bound_s)}
    assert late == {verdict.verifier for verdict in history.verdicts}, f"only {late or 'nobody'}"
    assert len(late) > 1


def require_silence_survived(
    scenario: Scenario, way: "Popen[bytes]", kinds: tuple[str, ...]
) -> None:
    """Stop the way to the server for longer than the lease, and judge what came of it.

    What fails open is found out by checks that it begins late and that have no answer until
    their own end: after the lease each of its callers waits for 2 s, the second time for what
    was revoked just before, and only the third time for something that must be known.
    """
    way.send_signal(signal.SIGSTOP)
    scenario.let_pass(scenario.random.uniform(9, 10))
    way.send_signal(signal.SIGCONT)
    scenario.heal()
    history = scenario.finish()
    if kinds == CONTROLS:
        require_late(scenario, history)
    else:
        require_nothing_wrong(scenario, history)
        assert scenario.figures.unavailable > 0
