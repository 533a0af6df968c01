"""The demo's trainer: ``python -m sidecar.demo.trainer --dataset DIR --output DIR --pools FILE [--base digits@1]``.

It reads an exported COCO dataset, runs the detector's own segmentation on the labelled images, trains on what version 1
was trained on and on the digits that people labelled, and measures the result, and the base's part of it, on the
images that are in no training split. OUTPUT gets ``model.npz`` and ``result.json`` with the metrics; with ``--models
DIR`` the model is published there too, as the next version that is free, and the result names it. The same dataset
gives the same model.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import setproctitle
from numpy.typing import NDArray
from PIL import Image

from sidecar.demo.classifier import MODEL_NAME, save_classifier
from sidecar.demo.detector import PIXELS_MAX, Detector, match, segment
from sidecar.demo.digits import Pixels, Pool, read_pools
from sidecar.demo.learning import base_crops, crops_of, fitted

IMAGES_MAX = 20_000
DOCUMENT_BYTES_MAX = 64 * 1024 * 1024
VERSIONS_MAX = 100_000
HELD_OUT = ("val", "test")
DIGITS = {str(digit): digit for digit in range(10)}


class DatasetError(ValueError):
    """The dataset can't be trained on; the text names the file and the field."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """An image of the dataset. ``boxes``: [N, 4] x1 y1 x2 y2 in pixels. ``labels``: [N] digits."""

    path: Path
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]

    def pixels(self) -> NDArray[np.uint8]:
        """RGB [H, W, 3]. Raises DatasetError."""
        try:
            with Image.open(self.path) as image:
                if image.width * image.height > PIXELS_MAX:
                    raise DatasetError(f"{self.path}: over {PIXELS_MAX} pixels")
                return np.asarray(image.convert("RGB"))
        except (OSError, SyntaxError, Image.DecompressionBombError) as error:
            raise DatasetError(f"{self.path}: not an image that can be read: {error}") from None


def read_split(dataset: Path, split: str) -> list[Labelled]:
    """The images of ``annotations/instances_SPLIT.json`` with their boxes; none where the dataset has no such split.

    Raises DatasetError.
    """
    path = dataset / "annotations" / f"instances_{split}.json"
    if not path.is_file():
        return []
    if path.stat().st_size > DOCUMENT_BYTES_MAX:
        raise DatasetError(f"{path}: over {DOCUMENT_BYTES_MAX} bytes")
    try:
        document = json.loads(path.read_bytes())
        names = {one["id"]: str(one["name"]) for one in document["categories"]}
        images = {one["id"]: dataset / "images" / split / Path(one["file_name"]).name for one in document["images"]}
        boxes: dict[Any, list[tuple[float, ...]]] = {image_id: [] for image_id in images}
        labels: dict[Any, list[int]] = {image_id: [] for image_id in images}
        for one in document["annotations"]:
            left, top, width, height = map(float, one["bbox"])
            boxes[one["image_id"]].append((left, top, left + width, top + height))
            labels[one["image_id"]].append(DIGITS[names[one["category_id"]]])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DatasetError(f"{path}: not COCO with digits 0 to 9 as classes: {error!r}") from None
    if len(images) > IMAGES_MAX:
        raise DatasetError(f"{path}: {len(images)} images, at most {IMAGES_MAX}")
    return [
        Labelled(file, np.array(boxes[key], np.float32).reshape(-1, 4), np.array(labels[key], np.int64))
        for key, file in images.items()
    ]


@dataclass(frozen=True, slots=True)
class Score:
    """``accuracy`` is the share of images in which every detection is right and nothing is missed."""

    precision: float
    recall: float
    f1: float
    accuracy: float


def score_of(detector: Detector, seen: Sequence[tuple[NDArray[np.float32], Pixels, Labelled]]) -> Score:
    """Of (boxes, ink, truth) of images, as ``segment`` found them; zeros where there is nothing to count."""
    right = detected = true = whole = 0
    for boxes, ink, image in seen:
        found = detector.read(boxes, ink)
        rows, truth = match(found.boxes, image.boxes)
        good = int((found.classes[rows] == image.labels[truth]).sum())
        right, detected, true = right + good, detected + len(found.boxes), true + len(image.labels)
        whole += good == len(found.boxes) == len(image.labels)
    return Score(
        right / detected if detected else 0.0,
        right / true if true else 0.0,
        2 * right / (detected + true) if detected + true else 0.0,
        whole / len(seen) if seen else 0.0,
    )


def train(dataset: Path, pool: Pool, seed: int = 1) -> tuple[Detector, dict[str, float]]:
    """(a version of the base's scenes with digits of ``pool`` and of the dataset's training split, its metrics).

    Raises DatasetError.
    """
    images = read_split(dataset, "train")
    if not images:
        raise DatasetError(f"{dataset}: its training split has no images")
    base = base_crops(pool, seed)
    detector = fitted("", [*base, *(crops_of(image.pixels(), image.boxes, image.labels) for image in images)])
    held_out = [(*segment(image.pixels()), image) for split in HELD_OUT for image in read_split(dataset, split)]
    metrics = {"train_images": float(len(images)), "train_boxes": float(sum(len(image.labels) for image in images))}
    metrics["images"] = float(len(held_out))
    if held_out:
        score, before = score_of(detector, held_out), score_of(fitted("", base), held_out)
        metrics |= {"precision": score.precision, "recall": score.recall, "f1": score.f1, "accuracy": score.accuracy}
        metrics |= {"base_f1": before.f1, "base_accuracy": before.accuracy}
    return detector, {name: round(value, 4) for name, value in metrics.items()}


def publish(models: Path, base: str, detector: Detector) -> str:
    """Writes the model to the next free version's folder in ``models`` and gives the version's name.

    It is one above the base's number and all that are there. Raises OSError.
    """
    taken = [int(entry.name) for entry in models.iterdir() if entry.name.isdecimal()] if models.is_dir() else []
    last = max([_number(base), *taken])
    for number in range(last + 1, last + VERSIONS_MAX):
        folder = models / str(number)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:  # another job was quicker
            continue
        save_classifier(folder / MODEL_NAME, detector.classifier)
        return str(number)
    raise FileExistsError(f"{models}: no version is free")


def _number(base: str) -> int:
    """The version's number in a model's id such as digits@1; 0 where it has none."""
    found = re.search(r"@([0-9]{1,9})$", base)
    return int(found[1]) if found else 0


def _steps(options: argparse.Namespace) -> Iterator[str]:
    yield f"training on {options.dataset}"
    detector, metrics = train(options.dataset, read_pools(options.pools)["training"], options.seed)
    options.output.mkdir(parents=True, exist_ok=True)
    save_classifier(options.output / MODEL_NAME, detector.classifier)
    result: dict[str, Any] = {"metrics": metrics}
    if options.models is not None:
        result = {"version": publish(options.models, options.base, detector), **result}
    (options.output / "result.json").write_text(json.dumps(result) + "\n")
    yield json.dumps(result)


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the demo's detector on a labelled dataset.")
    parser.add_argument("--dataset", required=True, type=Path, help="folder of an exported COCO dataset")
    parser.add_argument("--output", required=True, type=Path, help="folder for model.npz and result.json")
    parser.add_argument("--pools", required=True, type=Path, help="the file that sidecar.demo.server wrote")
    parser.add_argument("--base", default="digits@1", help="model that is trained further [default: %(default)s]")
    parser.add_argument("--models", type=Path, help="folder of the server's versions, to publish it there")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    setproctitle.setproctitle("sidecar: demo trainer")
    try:
        for step in _steps(options):
            print(step, flush=True)
    except (DatasetError, OSError) as error:
        sys.exit(f"trainer: {error}")


if __name__ == "__main__":
    main()
