"""A store's clock beside the one that nobody sets."""

from gatepass.revocations.clocks import StoreClock

NOW = 1_800_000_000_000
HERE = 5_000_000
MINUTE = 60_000


def test_clocks_that_go_on_together_were_not_set() -> None:
    clock = StoreClock()

    for passed in (0, 1, MINUTE, 600 * MINUTE):
        assert not clock.was_set_back(NOW + passed, HERE + passed)


def test_a_clock_that_is_set_forward_was_not_set_back() -> None:
    clock = StoreClock()
    clock.was_set_back(NOW, HERE)

    assert not clock.was_set_back(NOW + 90 * MINUTE, HERE + 1)


def test_a_clock_that_is_set_back_is_noticed_once() -> None:
    clock = StoreClock()
    clock.was_set_back(NOW, HERE)
    clock.was_set_back(NOW + 90 * MINUTE, HERE + 1)

    assert clock.was_set_back(NOW + 2, HERE + 2)
    assert not clock.was_set_back(NOW + 3, HERE + 3)


def test_a_little_is_forgiven_and_does_not_add_up_unnoticed() -> None:
    clock = StoreClock()
    clock.was_set_back(NOW, HERE)

    assert not clock.was_set_back(NOW, HERE + 20_000)
    assert clock.was_set_back(NOW, HERE + 40_000)
