"""Which images of a shadow test are taken."""

from math import nan

import numpy as np

from sidecar.trials.disagreement import HOUR_S, Chosen, Disagreement


def test_of_an_hour_those_that_disagree_most_are_taken_and_never_more() -> None:
    """Traffic that comes evenly, in no order: the hour's images are spent, and on the top few percent."""
    rng = np.random.default_rng(3)
    found = rng.random(7_200)
    chosen = Chosen(per_hour=20)
    taken = [value for place, value in enumerate(found.tolist()) if chosen.take(value, at=place / 2)]
    assert 15 <= len(taken) <= 20
    assert np.mean(np.array(taken) > np.quantile(found, 0.97)) >= 0.8


def test_no_traffic_takes_more_than_an_hours_images() -> None:
    """Not where each disagrees more than the one before, nor where all disagree alike."""
    for values in (np.linspace(0.1, 1, 5_000), np.full(5_000, 0.5)):
        chosen = Chosen(per_hour=20)
        assert sum(chosen.take(value, at=place / 100) for place, value in enumerate(values.tolist())) <= 20


def test_scarce_traffic_is_taken_whole() -> None:
    """Where an hour has fewer images than may be kept, each that disagrees is."""
    chosen = Chosen(per_hour=60)
    assert sum(chosen.take(0.1 + place / 100, at=120.0 * place) for place in range(30)) == 30


def test_agreement_is_never_taken() -> None:
    """Neither images that both see alike nor those that could not be compared."""
    chosen = Chosen(per_hour=5)
    assert not any(chosen.take(value, at=0.0) for value in (0.0, nan))


def test_another_hour_begins_anew() -> None:
    """A quiet hour is looked at by its own measure."""
    chosen = Chosen(per_hour=1)
    assert [chosen.take(0.9, at=5.0), chosen.take(0.95, at=4_000.0 - 500)] == [True, False]
    assert chosen.take(0.97, at=5.0 + HOUR_S)


def test_none_an_hour_takes_none() -> None:
    """Zero turns it off."""
    assert not Chosen(per_hour=0).take(1.0, at=0.0)


def test_image_that_is_taken_is_surely_kept() -> None:
    """The reason and the probability of what was not drawn, which is worth as much as the versions are apart."""
    taken = Disagreement(0.4)
    assert (taken.reasons, taken.probability, taken.drawn, taken.draw_rate) == (("disagreement",), 1.0, False, 0.0)
    assert (taken.disagreement, taken.value) == (0.4, 0.4)
