"""Precision by class and by confidence, and the threshold for a wanted one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import isnan

import numpy as np
import pytest

from sidecar.feedback import Audited, threshold_for
from sidecar.feedback.audited import judged
from sidecar.feedback.precision import by_class, by_confidence, precision_of
from sidecar.feedback.threshold import IMAGES_MIN

Make = Callable[..., Audited]


def test_precision_by_class_is_weighted_by_how_likely_images_were_drawn(make_audited: Make) -> None:
    """Ten cars right of images drawn with 1 in 10, ten wrong of images drawn for sure: 100 of 110."""
    images = [make_audited([True], [0.9]) for _ in range(10)]
    images += [make_audited([False], [0.9], draw_rate=1.0) for _ in range(10)]
    images += [make_audited([True, False], [0.9, 0.8], label="bus")]
    car, bus = by_class(judged(images)[0])
    assert (car.label, car.precision.n, car.precision.clusters) == ("car", 20, 20)
    assert car.precision.value == pytest.approx(100 / 110)
    assert (bus.label, bus.precision.value, bus.precision.n, bus.precision.clusters) == ("bus", 0.5, 2, 1)


def test_bands_are_a_tenth_wide_from_the_operating_point(make_audited: Make) -> None:
    """A score at an edge is in the upper band, though float32 makes it a little less; the last band ends at 1."""
    bands = by_confidence(judged([make_audited([True, False, True, False], [1.0, 0.95, 0.35, 0.34])])[0])
    assert [(band.low, band.high) for band in bands] == [
        (0.25, 0.35), (0.35, 0.45), (0.45, 0.55), (0.55, 0.65), (0.65, 0.75), (0.75, 0.85), (0.85, 0.95), (0.95, 1.0),
    ]  # fmt: skip
    assert [(band.precision.n, band.precision.value) for band in (bands[0], bands[1], bands[-1])] == [
        (1, 0.0), (1, 1.0), (2, 0.5),
    ]  # fmt: skip
    assert isnan(bands[2].precision.value)
    assert by_confidence([]) == []


@pytest.mark.parametrize("threshold", [0.0, 0.95, 1.0])
def test_bands_fit_any_operating_point(make_audited: Make, threshold: float) -> None:
    """From 0 and from 1 on as well: the bands cover what counts and nothing twice."""
    bands = by_confidence(judged([make_audited([True, True], [1.0, 0.97], score_threshold=threshold)])[0])
    assert bands[0].low == threshold
    assert bands[-1].high == 1.0
    assert all(one.high == other.low for one, other in pairwise(bands))
    assert sum(band.precision.n for band in bands) == (1 if threshold == 1.0 else 2)


def test_a_confirmed_prediction_has_no_wrong_detection(make_audited: Make) -> None:
    """What a reviewer called correct is so, even a box without an area; what nobody can tell is counted."""
    confirmed = make_audited([True, True], [0.9, 0.8], labels=())
    unknown = make_audited([True], [0.9], detections=None)
    images, left_out = judged([confirmed, unknown])
    assert [one.outcome for one in images[0].outcomes] == ["true", "true"]
    assert (len(images), left_out) == (1, 1)


def calibrated(make_audited: Make, n: int, seed: int = 0) -> list[Audited]:
    """``n`` images of two detections each, right with the chance of their score."""
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0.25, 1.0, (n, 2)).round(3)
    rights = rng.random((n, 2)) < scores
    return [make_audited(right, score) for right, score in zip(rights.tolist(), scores.tolist(), strict=True)]


def test_the_lowest_threshold_that_reaches_a_precision_is_found(make_audited: Make) -> None:
    """With scores that are true chances, the mean of those from 0.8 on is 0.9: that is where 0.9 is reached."""
    images, _ = judged(calibrated(make_audited, 2_000))
    found = threshold_for(images, 0.9)
    assert found.threshold == pytest.approx(0.8, abs=0.04)
    assert found.precision.value >= 0.9 > precision_of(images, (found.threshold or 0) - 0.01).value
    assert found.precision.lower < 0.9
    assert found.kept_share == pytest.approx((1 - 0.8) / 0.75, abs=0.06)
    assert found.sentence.startswith(f"From a score of {found.threshold:.3g} on the precision reaches 90 %: ")
    assert "It is not sure that it reaches 90 %: review more images." in found.sentence
    assert (found.threshold or 0) * 100 == pytest.approx(round((found.threshold or 0) * 100))


def test_a_precision_that_is_there_already_needs_no_higher_threshold(make_audited: Make) -> None:
    """Then it is the operating point, and all is kept."""
    found = threshold_for(judged(calibrated(make_audited, 400))[0], 0.5)
    assert (found.threshold, found.kept_share) == (0.25, 1.0)
    assert found.sentence.startswith("The operating point of 0.25 reaches a precision of 50 % already: 6")
    assert "not sure" not in found.sentence


def test_too_little_data_is_said(make_audited: Make) -> None:
    """Under 30 images with detections there is no threshold, at any of them; nor where none reaches it."""
    few = threshold_for(judged([make_audited([True], [0.9])] * (IMAGES_MIN - 1))[0], 0.9)
    assert few.threshold is None
    assert few.sentence == "Too little data: 29 images with detections, 30 are needed."
    assert threshold_for([], 0.9).sentence == "Too little data: 0 images with detections, 30 are needed."
    images = [make_audited([False], [0.5])] * 40 + [make_audited([True], [0.9])] * 20
    never = threshold_for(judged(images)[0], 0.9)
    assert never.threshold is None
    assert isnan(never.kept_share)
    assert never.sentence == "No threshold reaches a precision of 90 % with detections in 30 images or more."


def test_of_versions_with_unlike_operating_points_the_higher_one_is_the_least(make_audited: Make) -> None:
    """Of the other nothing is recorded below."""
    images = [make_audited([True, True], [0.9, 0.3])] * 30 + [make_audited([True], [0.9], score_threshold=0.5)] * 30
    found = threshold_for(judged(images)[0], 0.9)
    assert (found.threshold, found.kept_share) == (0.5, 1.0)


@pytest.mark.parametrize("target", [0.0, -0.5, 1.01, float("nan")])
def test_a_target_that_is_no_precision_is_refused(target: float) -> None:
    """With its name."""
    with pytest.raises(ValueError, match="target_precision: "):
        threshold_for([], target)
