"""Label Studio: ``tasks.json``, ``config.xml`` for the project, and ``images/``.

As https://labelstud.io/guide/tasks says: what people drew stands in ``annotations``, what the model saw in
``predictions``, its scores with it. Coordinates are percent of the image's sides. The addresses of images are those of
Label Studio's local file storage with the unpacked archive as ``LOCAL_FILES_DOCUMENT_ROOT``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sidecar.datasets.export import Entry, Export, image_name
from sidecar.datasets.formats.text import json_list, xml_attribute, xml_names
from sidecar.recording import Sample
from sidecar.recording.loop_rows import VersionItem
from sidecar.types import Box, Label

FROM, TO = "label", "image"
"""The names of the labels and of the image in the project's configuration."""
LOCAL_FILES = "/data/local-files/?d=images/"


def export_label_studio(export: Export) -> Iterator[Entry]:
    """A task for every image of the version, its labels as annotation, and its detections as pre-labels if known."""
    yield "config.xml", _config(export.classes).encode()
    yield "tasks.json", json_list(_version_tasks(export))
    for _, item in export.images:
        yield f"images/{image_name(item)}", export.file(item)


def tasks_of(items: Sequence[Sample], image_url: Callable[[Sample], str]) -> list[dict[str, Any]]:
    """Tasks for items of a queue, for Label Studio to import: pre-labels, and annotations of those labelled already.

    Random-sample items that nobody reviewed don't tell the model's version, so that it can't sway the review.
    """
    return [
        _task(number, item, {"image": image_url(item)}, item.labels if item.status == "labeled" else None, item)
        for number, item in enumerate(items, 1)
    ]


def _version_tasks(export: Export) -> Iterator[dict[str, Any]]:
    address = export.image_url or (lambda item: LOCAL_FILES + image_name(item))
    for number, item in export.images:
        data = {"image": address(item), "split": item.split, "version_id": export.version.version_id}
        yield _task(number, item, data, item.labels, export.samples.get(item.sample_id))


def _task(
    number: int,
    item: VersionItem | Sample,
    data: dict[str, Any],
    labels: tuple[Label, ...] | None,
    sample: Sample | None,
) -> dict[str, Any]:
    size = item.width, item.height
    annotations = []
    if labels is not None and min(size) > 0:
        result = [_region(f"a{place}", one.label, one.box, size) for place, one in enumerate(labels)]
        annotations.append({"id": number, "was_cancelled": False, "ground_truth": False, "result": result})
    return {
        "id": number,
        "data": {**data, "sample_id": item.sample_id},
        "annotations": annotations,
        "predictions": _predictions(sample, size) if sample is not None and min(size) > 0 else [],
    }


def _predictions(sample: Sample, size: tuple[int, int]) -> list[dict[str, Any]]:
    """What the model saw at or above its operating point, as one prediction; none where nothing is known."""
    found = sample.detections
    if found is None:
        return []
    regions = []
    scores = []
    scale = (*size, *size) if found.normalised else (1, 1, 1, 1)
    for place, (box, score, number) in enumerate(
        zip(found.boxes.tolist(), found.scores.tolist(), found.classes.tolist(), strict=True)
    ):
        if score >= sample.score_threshold:
            left, top, right, bottom = (side * by for side, by in zip(box, scale, strict=True))
            region = _region(f"p{place}", found.labels[number], (left, top, right, bottom), size)
            regions.append({**region, "score": score})
            scores.append(score)
    hidden = sample.drawn and sample.status != "labeled"
    model = "" if hidden else f"{sample.model}@{sample.version}"
    return [{"model_version": model, "score": min(scores, default=0.0), "result": regions}]


def _region(name: str, label: str, box: Box, size: tuple[int, int]) -> dict[str, Any]:
    (left, top, right, bottom), (width, height) = map(float, box), size
    return {
        "id": name,
        "type": "rectanglelabels",
        "from_name": FROM,
        "to_name": TO,
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "value": {
            "x": 100 * left / width,
            "y": 100 * top / height,
            "width": 100 * (right - left) / width,
            "height": 100 * (bottom - top) / height,
            "rotation": 0,
            "rectanglelabels": [label],
        },
    }


def _config(classes: Iterable[str]) -> str:
    labels = "".join(f"    <Label value={xml_attribute(name)}/>\n" for name in xml_names(classes).values())
    return (
        f'<View>\n  <Image name="{TO}" value="$image"/>\n  <RectangleLabels name="{FROM}" toName="{TO}">\n'
        f"{labels}  </RectangleLabels>\n</View>\n"
    )
