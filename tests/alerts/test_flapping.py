"""Firing again and again."""

from sidecar.alerts.flapping import FLAP_WINDOW_S, FLAPS_MAX, aged, fired, flaps


def test_three_firings_within_the_window_flap_and_two_do_not() -> None:
    """A firing that is a window old no longer counts."""
    ages = fired(aged(fired(()), FLAP_WINDOW_S - 1))
    assert not flaps(ages, already=False)
    assert flaps(fired(ages), already=False)
    assert not flaps(fired(aged(ages, 1.0)), already=False)


def test_flapping_ends_when_nothing_fired_for_the_window() -> None:
    """One firing in the window is enough to go on."""
    ages = fired(())
    assert flaps(aged(ages, FLAP_WINDOW_S - 1), already=True)
    assert not flaps(aged(ages, FLAP_WINDOW_S), already=True)


def test_remembered_firings_are_bounded() -> None:
    """However often it fires."""
    ages: tuple[float, ...] = ()
    for _ in range(100):
        ages = fired(aged(ages, 1.0))
    assert ages == (2.0, 1.0, 0.0)
    assert len(ages) == FLAPS_MAX
