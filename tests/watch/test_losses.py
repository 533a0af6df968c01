"""A growing counter, read as an increase."""

from sidecar.watch.losses import LOOKS_MAX, Losses


def test_increase_is_of_the_window_only() -> None:
    """What was lost before the window is not lost again."""
    losses = Losses()
    for at, count in enumerate((3, 3, 8, 8, 9)):
        losses.look(count, float(at))
    assert [losses.increase(window, 4.0) for window in (1, 2, 3, 100)] == [1, 1, 6, 6]


def test_counter_that_falls_is_one_that_began_anew() -> None:
    """A restarted worker counts from zero: that is no gain, and what it loses then is still counted."""
    losses = Losses()
    losses.look(100, 0.0)
    losses.look(0, 10.0)
    losses.look(4, 20.0)
    assert losses.increase(60.0, 20.0) == 4


def test_looks_are_bounded() -> None:
    """The memory of a year's rounds is that of a day."""
    losses = Losses()
    for at in range(LOOKS_MAX + 500):
        losses.look(at, float(at))
    assert losses.increase(1e9, LOOKS_MAX + 500.0) == LOOKS_MAX - 1
