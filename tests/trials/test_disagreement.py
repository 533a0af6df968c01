"""Which images of a shadow test are taken."""

from math import nan

import numpy as np

from sidecar.trials.disagreement import HOUR_S, Chosen, Disagreement


def test_highest_of_an_hour_are_among_those_taken() -> None:
    """Whatever the order, the images that disagree most are taken, and few besides."""
    rng = np.random.default_rng(3)
    found = rng.random(5_000)
    chosen = Chosen(per_hour=20)
    taken = [value for value in found.tolist() if chosen.take(value, at=0.0)]
    assert set(np.sort(found)[-20:]) <= set(taken)
    assert len(taken) < 20 * (1 + np.log(5_000 / 20)) * 1.5


def test_agreement_is_never_taken() -> None:
    """Neither images that both see alike nor those that could not be compared."""
    chosen = Chosen(per_hour=5)
    assert not any(chosen.take(value, at=0.0) for value in (0.0, nan))


def test_another_hour_begins_anew() -> None:
    """A quiet hour is looked at by its own measure."""
    chosen = Chosen(per_hour=1)
    assert [chosen.take(0.9, at=5.0), chosen.take(0.5, at=4_000.0 - 500)] == [True, False]
    assert chosen.take(0.1, at=5.0 + HOUR_S)


def test_none_an_hour_takes_none() -> None:
    """Zero turns it off."""
    assert not Chosen(per_hour=0).take(1.0, at=0.0)


def test_image_that_is_taken_is_surely_kept() -> None:
    """The reason and the probability of what was not drawn."""
    assert (Disagreement().reasons, Disagreement().probability) == (("disagreement",), 1.0)
