"""What the judge of a history counts, and what not."""

from tests.chaos.history import PATIENCE_S, Attempt, History, Span, Verdict

LONG = Attempt("t:a", 10.0, 10.0 + PATIENCE_S + 0.3, is_acknowledged=True)
CHECK = Verdict("v0", "t:b", 20.0, 20.0 + PATIENCE_S + 0.3, "refused")


def test_an_operation_that_takes_long_is_slow() -> None:
    history = History([LONG], [CHECK])

    assert history.slow() == [LONG, CHECK]
    assert round(history.slowest(), 6) == PATIENCE_S + 0.3


def test_time_in_which_the_machine_stood_still_is_nobodys() -> None:
    history = History([LONG], [CHECK], stood=[Span(9.0, 10.2), Span(11.0, 11.2), Span(22.7, 30.0)])

    assert history.slow() == [CHECK]
    assert round(history.slowest(), 6) == PATIENCE_S + 0.2


def test_a_process_that_was_stopped_is_not_judged_while_it_was() -> None:
    assert History([LONG], [CHECK], asleep=[Span(12.0, 12.1)]).slow() == [CHECK]
