"""The normal of several versions together."""

import pytest

from sidecar.watch.blend import blend

ONE = {"avg_confidence": 0.9, "error_rate": 0.0, "class_shares": {"car": 1.0}, "brightness": {"mean": 0.4}}
OTHER = {"avg_confidence": 0.5, "error_rate": 0.1, "class_shares": {"car": 0.5, "dog": 0.5}, "brightness": None}


def test_proportions_are_those_of_now() -> None:
    """With nine images in ten of the first version the blend is nearly its own, whatever the baselines' sizes were."""
    found = blend([(ONE, 90, 50), (OTHER, 10, 50)])
    assert found["avg_confidence"] == pytest.approx(0.86)
    assert found["error_rate"] == pytest.approx(0.05)
    assert found["class_shares"] == pytest.approx({"car": 0.95, "dog": 0.05})


def test_version_that_serves_nothing_has_no_say() -> None:
    """After a promotion the old version's normal is gone from the blend, known or not."""
    assert blend([(ONE, 100, 100), (OTHER | {"avg_confidence": None}, 0, 0)])["avg_confidence"] == 0.9
    assert blend([(ONE, 100, 100), (OTHER | {"avg_confidence": None}, 1, 1)])["avg_confidence"] is None


def test_silence_blends_alike() -> None:
    """Nothing is served now: the middle of the versions, not a division by zero."""
    assert blend([(ONE, 0, 0), (OTHER, 0, 0)])["avg_confidence"] == pytest.approx(0.7)
