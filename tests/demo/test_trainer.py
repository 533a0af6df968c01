"""The trainer: what it learns from an exported dataset, and what it makes of a bad one."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sidecar.demo.classifier import MODEL_NAME, NO_DIGIT, Classifier, read_classifier, save_classifier
from sidecar.demo.detector import Detector, segment
from sidecar.demo.digits import Pool, load_pools, save_pools
from sidecar.demo.learning import train_versions
from sidecar.demo.stage import Stage
from sidecar.demo.trainer import DatasetError, Labelled, publish, read_split, score_of, train

SPLITS = {"train": 40, "val": 10, "test": 10}
NAMES = [str(digit) for digit in range(9, -1, -1)]
"""Ids of categories say nothing: they are not the digits here."""


NOTHING = Classifier(np.zeros((2, 64)), np.array([1.0, 0.0]), np.array([NO_DIGIT, 0]))
"""Sees no digit anywhere."""


@pytest.fixture(scope="module")
def pools() -> dict[str, Pool]:
    return load_pools()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, pools: dict[str, Pool]) -> Path:
    """Night scenes in COCO's layout, as ``sidecar.datasets`` exports it."""
    folder = tmp_path_factory.mktemp("dataset")
    stage, rng = Stage("night", "collection", "short"), np.random.default_rng(5)
    (folder / "annotations").mkdir()
    for split, count in SPLITS.items():
        (folder / "images" / split).mkdir(parents=True)
        images, annotations = [], []
        for image_id in range(1, count + 1):
            scene = stage.scene(0.0, rng, pools)
            (folder / "images" / split / f"{image_id}.jpg").write_bytes(scene.jpeg())
            images.append({"id": image_id, "file_name": f"{image_id}.jpg", "width": 480, "height": 360})
            for (x1, y1, x2, y2), label in zip(scene.boxes.tolist(), scene.labels.tolist(), strict=True):
                box = [x1, y1, x2 - x1, y2 - y1]
                annotations.append({"image_id": image_id, "bbox": box, "category_id": NAMES.index(str(label)) + 1})
        categories = [{"id": place, "name": name} for place, name in enumerate(NAMES, 1)]
        document = {"images": images, "annotations": annotations, "categories": categories}
        (folder / "annotations" / f"instances_{split}.json").write_text(json.dumps(document))
    return folder


@pytest.fixture(scope="module")
def trained(dataset: Path, pools: dict[str, Pool]) -> tuple[Detector, dict[str, float]]:
    return train(dataset, pools["training"])


def test_version_trained_on_labelled_nights_reads_other_nights_better(trained, pools) -> None:
    """On digits that neither saw, the retrained version has more scenes wholly right than the one of the day."""
    after, metrics = trained
    stage, rng = Stage("night", "traffic", "short"), np.random.default_rng(6)
    scenes = [stage.scene(0.0, rng, pools) for _ in range(80)]
    seen = [(*segment(one.pixels), Labelled(Path(), one.boxes, one.labels)) for one in scenes]
    assert score_of(after, seen).accuracy > score_of(train_versions(pools, ["1"])["1"], seen).accuracy + 0.1
    assert metrics["train_images"] == SPLITS["train"]
    assert metrics["images"] == SPLITS["val"] + SPLITS["test"]
    assert metrics["f1"] > metrics["base_f1"]


def test_trainers_process_writes_the_model_and_publishes_it(dataset, trained, pools, tmp_path) -> None:
    """Run as the training room runs it: the result names the next free version, and the same dataset gives the same
    model here as there."""
    save_pools(tmp_path / "pools.npz", pools)
    command = (sys.executable, "-m", "sidecar.demo.trainer", "--dataset", dataset, "--output", tmp_path / "out")
    command += ("--pools", tmp_path / "pools.npz", "--base", "digits@1", "--models", tmp_path / "models")
    subprocess.run(command, check=True, capture_output=True)
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    here, metrics = trained
    assert result == {"version": "2", "metrics": metrics}
    for folder in (tmp_path / "out", tmp_path / "models" / "2"):
        assert (read_classifier(folder / MODEL_NAME).coefficients == here.classifier.coefficients).all()


def test_next_version_is_above_the_base_and_all_that_are_there(tmp_path) -> None:
    """A version is never written over; a base without a number counts as none."""
    detector = Detector("", NOTHING)
    assert publish(tmp_path / "new", "digits@7", detector) == "8"
    (tmp_path / "new" / "11").mkdir()
    assert publish(tmp_path / "new", "digits@7", detector) == "12"
    assert publish(tmp_path / "other", "digits", detector) == "1"


def test_detector_without_digits_scores_zero(dataset) -> None:
    """Measures of nothing are 0, not an error."""
    images = read_split(dataset, "val")
    score = score_of(Detector("", NOTHING), [(*segment(image.pixels()), image) for image in images])
    assert (score.precision, score.recall, score.f1, score.accuracy) == (0.0, 0.0, 0.0, 0.0)
    assert score_of(Detector("", NOTHING), []).f1 == 0.0


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "not COCO"),
        ({"images": [], "annotations": []}, "categories"),
        ({"images": [], "annotations": [], "categories": []}, "has no images"),
        (
            {
                "images": [{"id": 1, "file_name": "a.jpg"}],
                "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5]}],
                "categories": [{"id": 1, "name": "person"}],
            },
            "person",
        ),
        (
            {"images": [{"id": 1, "file_name": "../../a.jpg"}], "annotations": [], "categories": []},
            "images/train/a.jpg",
        ),
    ],
)
def test_dataset_that_cannot_be_trained_on_says_why(tmp_path, pools, document, message) -> None:
    """The error names the file and what is wrong with it; no name leads out of the dataset."""
    (tmp_path / "annotations").mkdir()
    text = document if isinstance(document, str) else json.dumps(document)
    (tmp_path / "annotations" / "instances_train.json").write_text(text)
    with pytest.raises(DatasetError, match=message):
        train(tmp_path, pools["training"])


def test_broken_dataset_ends_the_process_with_its_reason(tmp_path, pools) -> None:
    """What the training room keeps as the job's log says why."""
    save_pools(tmp_path / "pools.npz", pools)
    command = (sys.executable, "-m", "sidecar.demo.trainer", "--dataset", tmp_path, "--output", tmp_path / "out")
    done = subprocess.run((*command, "--pools", tmp_path / "pools.npz"), capture_output=True, text=True)
    assert done.returncode == 1
    assert "has no images" in done.stderr
    assert not (tmp_path / "out").exists()


def test_classifier_reads_back_as_written(tmp_path) -> None:
    """The very numbers, through a file that holds no code."""
    rng = np.random.default_rng(1)
    classifier = Classifier(rng.normal(size=(3, 64)), rng.normal(size=3), np.array([NO_DIGIT, 0, 1]))
    save_classifier(tmp_path / "m.npz", classifier)
    again = read_classifier(tmp_path / "m.npz")
    assert (again.coefficients == classifier.coefficients).all()
    assert again.classes.tolist() == [NO_DIGIT, 0, 1]
    assert again.probabilities(rng.random((5, 64), np.float32)).sum(axis=1) == pytest.approx(np.ones(5))


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"coefficients": np.zeros((2, 63)), "intercepts": np.zeros(2), "classes": np.zeros(2)},
        {"coefficients": np.full((2, 64), np.nan), "intercepts": np.zeros(2), "classes": np.zeros(2)},
        {"coefficients": np.array([{}]), "intercepts": np.zeros(2), "classes": np.zeros(2)},
    ],
)
def test_file_that_is_no_classifier_is_refused(tmp_path, arrays) -> None:
    """Whatever else lies there is named and never loaded, pickles least of all."""
    np.savez(tmp_path / "m.npz", **arrays)
    with pytest.raises(ValueError, match="model:"):
        read_classifier(tmp_path / "m.npz")
    (tmp_path / "m.npz").write_bytes(b"PK\x03\x04 half a file")
    with pytest.raises(ValueError, match="model:"):
        read_classifier(tmp_path / "m.npz")
