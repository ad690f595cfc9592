"""What a scenario must come to."""

from tests.chaos.history import History
from tests.chaos.scenario import Scenario


def require_nothing_wrong(scenario: Scenario, history: History) -> None:
    """What every scenario but the controls must come to."""
    figures = scenario.figures
    assert history.accepted_late(figures.bound_s) == []
    assert figures.lost == 0
    assert history.slow() == []
    assert history.refused_wrongly() == []
    assert figures.refused > 100
    assert figures.acknowledged > 100


def require_late(scenario: Scenario, history: History) -> None:
    """What a control must come to: each of its verifiers is found out."""
    late = {verdict.verifier for verdict in history.accepted_late(scenario.figures.bound_s)}
    assert late == {verdict.verifier for verdict in history.verdicts}
    assert len(late) > 1
