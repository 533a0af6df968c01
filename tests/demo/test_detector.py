"""Real detections on real digits, held against the scenes' truth."""

import numpy as np
import pytest

from sidecar.demo.detector import Detector, match
from sidecar.demo.digits import SIZES, Pool, load_pools, read_pools, save_pools
from sidecar.demo.learning import train_versions
from sidecar.demo.scenes import Kind, compose


@pytest.fixture(scope="module")
def pools() -> dict[str, Pool]:
    return load_pools()


@pytest.fixture(scope="module")
def versions(pools: dict[str, Pool]) -> dict[str, Detector]:
    return train_versions(pools)


def read(detector: Detector, pool: Pool, seed: int, light: float = 1.0, kind: Kind = "ordinary") -> dict[str, float]:
    """Shares over 15 scenes: digits found, digits of those right; detections a scene; the mean score."""
    rng = np.random.default_rng(seed)
    truth = found = right = 0
    scores: list[float] = []
    for _ in range(15):
        scene = compose(rng, pool, light=light, kind=kind)
        seen = detector.detect(scene.pixels)
        rows, true = match(seen.boxes, scene.boxes)
        truth, found = truth + len(scene.labels), found + len(rows)
        right += int((seen.classes[rows] == scene.labels[true]).sum())
        scores += seen.scores.tolist()
    return {
        "found": found / max(truth, 1),
        "right": right / max(found, 1),
        "detections": len(scores) / 15,
        "score": float(np.mean(scores)) if scores else 0.0,
    }


def test_pools_share_no_image_and_hold_all(pools: dict[str, Pool]) -> None:
    """What a version was trained on is never what it is judged on."""
    rows = np.concatenate([pools[name].source for name in SIZES])
    assert sorted(rows.tolist()) == list(range(1797))


def test_pools_read_back_as_written(pools, tmp_path) -> None:
    """The traffic's process has the very digits of the detector's."""
    save_pools(tmp_path / "p.npz", pools)
    again = read_pools(tmp_path / "p.npz")
    for name, pool in pools.items():
        assert (again[name].images == pool.images).all()
        assert (again[name].labels == pool.labels).all()


@pytest.mark.parametrize("light", [1.0, 0.4])
def test_version_2_reads_more_digits_right(versions, pools, light) -> None:
    """Trained on more digits, and on night scenes too, version 2 is the better one, over seeds together."""
    right = {
        name: np.mean([read(versions[name], pools["traffic"], seed, light)["right"] for seed in (2, 3)])
        for name in versions
    }
    assert right["2"] > right["1"] > 0.6


def test_day_scene_has_most_digits_found(versions, pools) -> None:
    """Segmentation finds nine of ten digits by day."""
    assert read(versions["2"], pools["traffic"], 1)["found"] > 0.9


def test_night_lowers_confidence(versions, pools) -> None:
    """The classifier is less sure of what it sees in the dark."""
    day, night = (read(versions["1"], pools["traffic"], 5, light)["score"] for light in (1.0, 0.0))
    assert night < day - 0.02


def test_empty_scene_has_next_to_no_detections(versions, pools) -> None:
    """Frames, address lines and bar codes are no digits."""
    assert read(versions["2"], pools["traffic"], 7, kind="empty")["detections"] <= 0.2
