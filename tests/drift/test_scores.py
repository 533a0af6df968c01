"""Scores: distance, what chance gives, significance."""

from collections.abc import Callable
from math import isnan, sqrt

import numpy as np
import pytest

from sidecar.drift import GATE, Block, Level
from sidecar.drift.scores import DETECTION_SCORES, INPUT_SCORES, Measured, Score, judged, measure
from sidecar.drift.sides import Sides

MakeDays = Callable[..., list[Block]]
SHARES = {"car": 0.6, "person": 0.4}


def measured(reference: list[Block], current: list[Block], permutations: int = 199) -> Measured:
    sides = Sides.of(reference, current, Level.DAY, False)
    return measure(sides, DETECTION_SCORES, permutations, np.random.default_rng(0))


def test_each_score_is_of_its_own_distribution(make_days: MakeDays) -> None:
    """What is alike stays at zero while what moved goes up."""
    reference = make_days(6, SHARES)
    moved = {
        "class": make_days(6, {"car": 0.1, "person": 0.9}, first=6),
        "confidence": make_days(6, SHARES, first=6, confidence=0.4),
        "count": make_days(6, SHARES, first=6, mean=9.0),
        "box": make_days(6, SHARES, first=6, area=0.01),
    }
    for name, current in moved.items():
        scores = measured(reference, current).scores
        assert scores[name].corrected > 0.3, name
        assert scores[name].p_value <= 0.01, name
        assert all(score.corrected < 0.1 for other, score in scores.items() if other != name), name


def test_the_corrected_distance_is_what_chance_does_not_give(make_days: MakeDays) -> None:
    """Squares subtract: distance^2 = null_mean^2 + corrected^2 where it is over chance."""
    score = measured(make_days(6, SHARES), make_days(6, {"car": 0.3, "person": 0.7}, first=6)).scores["class"]
    assert score.distance == pytest.approx(sqrt(score.null_mean**2 + score.corrected**2))
    assert score.null_mean > 0


def test_a_score_of_two_parts_is_the_mean_of_their_divergences(make_days: MakeDays) -> None:
    """Sizes that have nothing in common, shapes that are alike: half a divergence."""
    found = measured(make_days(6, SHARES, area=0.1), make_days(6, SHARES, first=6, area=0.001))
    assert (found.divergences["area"], found.divergences["aspect"]) == (1.0, 0.0)
    assert found.scores["box"].distance == pytest.approx(sqrt(0.5))


def test_a_part_without_data_on_both_sides_has_no_say(make_days: MakeDays) -> None:
    """Boxes of unknown size don't halve the score, and no detections at all leave only the count."""
    unknown = np.nan
    found = measured(make_days(6, SHARES, area=unknown), make_days(6, SHARES, first=6, area=unknown, aspect=0.2))
    assert isnan(found.divergences["area"])
    assert found.scores["box"].distance == 1.0
    empty = measured(make_days(6, SHARES), make_days(6, SHARES, first=6, mean=0.0))
    assert [name for name, score in empty.scores.items() if not isnan(score.p_value)] == ["count"]
    assert isnan(empty.scores["class"].distance)
    assert (empty.scores["class"].n_current, empty.scores["count"].n_current) == (0, 1_200)
    assert empty.affected_classes(0.05) == []


def test_n_is_what_is_behind_the_score(make_days: MakeDays) -> None:
    """Detections, images or probed images."""
    reference, current = make_days(6, SHARES), make_days(7, SHARES, first=6, brightness=[0.5, 0.6])
    scores = measured(reference, current).scores
    detections = sum(block.summary.detections for block in reference)
    assert (scores["class"].n_reference, scores["box"].n_reference) == (detections, detections)
    assert (scores["count"].n_reference, scores["count"].n_current) == (1_200, 1_400)
    sides = Sides.of(reference, current, Level.DAY, False)
    probed = measure(sides, INPUT_SCORES, 99, np.random.default_rng(0)).scores["input"]
    assert (probed.n_reference, probed.n_current, isnan(probed.distance)) == (0, 14, True)


def test_too_few_blocks_give_distances_only(make_days: MakeDays) -> None:
    """No p-value, and nothing about chance."""
    score = measured(make_days(3, SHARES), make_days(9, {"car": 0.1, "person": 0.9}, first=6)).scores["class"]
    assert score.distance > 0.3
    assert all(isnan(value) for value in (score.p_value, score.corrected, score.null_mean, score.p_adjusted))
    assert not score.significant


@pytest.mark.parametrize(
    ("corrected", "p", "significant"),
    [(0.3, 0.01, True), (0.3, 0.011, False), (GATE, 0.01, True), (0.099, 0.001, False)],
)
def test_significant_is_sure_and_large_enough(corrected: float, p: float, significant: bool) -> None:
    """Holm's p-value over five tested scores at most alpha, and the gate passed."""
    scores = {name: Score(0.5, 0.3, 0.1, 0.5) for name in ("a", "b", "c", "d")} | {
        "class": Score(0.5, corrected, 0.1, p)
    }
    assert judged(scores, 0.05)["class"].significant is significant


def test_scores_that_were_not_tested_do_not_weigh_on_the_others() -> None:
    """Holm counts those with a p-value."""
    found = judged({"class": Score(0.5, 0.3, 0.1, 0.04), "input": Score()}, 0.05)
    assert found["class"].p_adjusted == 0.04
    assert isnan(found["input"].p_adjusted)
    assert not found["input"].significant
