"""Labels from COCO's object detection format: ``images``, ``annotations`` and ``categories``.

An image is known by its file's name without ending, which is the sample's id. An image that is listed without
annotations was labelled as one without objects, as the format has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidecar.datasets.imports.result import Findings, Imported, list_at, numbers, shown
from sidecar.types import Label

IMAGES_MAX = 100_000
CATEGORIES_MAX = 10_000
ANNOTATIONS_MAX = 1_000_000


def read_coco(document: Any, known: Mapping[str, tuple[int, int]]) -> Imported:
    """The labels of the known images. ``document`` is parsed JSON; ``known`` has each sample's width and height."""
    findings = Findings(known)
    if not isinstance(document, dict):
        findings.fault("", "must be an object with images, annotations and categories, as COCO's instances files are")
        return findings.result()
    names = _categories(findings, list_at(findings, document, "categories", CATEGORIES_MAX))
    images, strangers = _images(findings, list_at(findings, document, "images", IMAGES_MAX))
    annotations = list_at(findings, document, "annotations", ANNOTATIONS_MAX)
    if findings.faults_n and not all(isinstance(document.get(name), list) for name in ("annotations", "categories")):
        return findings.result()  # else every image would count as one without objects
    labels: dict[Any, list[Label]] = {image_id: [] for image_id in images}
    broken = set()
    for place, annotation in enumerate(annotations):
        path = f"annotations[{place}]"
        image_id = annotation.get("image_id") if isinstance(annotation, dict) else None
        if not isinstance(image_id, int | str) or (image_id not in images and image_id not in strangers):
            findings.fault(f"{path}.image_id", f"must be the id of one of images, not {shown(image_id)}")
        elif image_id in images:
            one = _label(findings, path, annotation, images[image_id][1], names)
            if one is None:
                broken.add(image_id)
            else:
                labels[image_id].append(one)
    for image_id, (place, sample_id) in images.items():
        if image_id not in broken:
            findings.give(f"images[{place}]", sample_id, labels[image_id])
    return findings.result()


def _categories(findings: Findings, categories: list[Any]) -> dict[int | str, str | None]:
    """The class's name by its id; None where it has a fault that is told already."""
    names: dict[int | str, str | None] = {}
    for place, category in enumerate(categories):
        path = f"categories[{place}]"
        category_id = category.get("id") if isinstance(category, dict) else None
        if not isinstance(category_id, int | str):
            findings.fault(f"{path}.id", f"must be a number, not {shown(category_id)}")
        elif category_id in names:
            findings.fault(f"{path}.id", f"must be its own, {shown(category_id)} is another category's too")
            names[category_id] = None
        else:
            names[category_id] = findings.name(f"{path}.name", category.get("name"))
    return names


def _images(findings: Findings, images: list[Any]) -> tuple[dict[int | str, tuple[int, str]], set[int | str]]:
    """(place and sample of each known image by its id, the ids of those that are not known or have a fault)."""
    found: dict[int | str, tuple[int, str]] = {}
    strangers: set[int | str] = set()
    taken: set[str] = set()
    for place, image in enumerate(images):
        path = f"images[{place}]"
        if not isinstance(image, dict) or not isinstance(image.get("id"), int | str):
            findings.fault(f"{path}.id", "every image must have an id, a number")
            continue
        image_id, name = image["id"], image.get("file_name")
        if image_id in found or image_id in strangers:
            findings.fault(f"{path}.id", f"must be its own, {shown(image_id)} is another image's too")
            found.pop(image_id, None)
            strangers.add(image_id)
            continue
        sample_id = findings.by_file(name) if isinstance(name, str) else None
        if not isinstance(name, str):
            findings.fault(f"{path}.file_name", f"must be the image's name, not {shown(name)}")
        elif sample_id is None:
            findings.unknown_image(name)
        elif sample_id in taken:
            findings.fault(f"{path}.file_name", f"must be listed once, {sample_id} is listed before")
        elif findings.same_size(path, sample_id, image.get("width"), image.get("height")):
            taken.add(sample_id)
            found[image_id] = (place, sample_id)
            continue
        strangers.add(image_id)
    return found, strangers


def _label(
    findings: Findings, path: str, annotation: dict[str, Any], sample_id: str, names: Mapping[int | str, str | None]
) -> Label | None:
    if annotation.get("iscrowd"):
        findings.fault(f"{path}.iscrowd", "must be 0: a crowd is a region of many objects, not one object's box")
        return None
    category_id = annotation.get("category_id")
    if not isinstance(category_id, int | str) or category_id not in names:
        findings.fault(f"{path}.category_id", f"must be the id of one of categories, not {shown(category_id)}")
        return None
    name = names[category_id]
    box = annotation.get("bbox")
    sides = numbers(box, 4)
    if sides is None:
        said = "an outline alone is no box" if annotation.get("segmentation") and not box else f"not {shown(box)}"
        findings.fault(f"{path}.bbox", f"must be four numbers, x, y, width and height in pixels; {said}")
        return None
    left, top, width, height = sides
    cut = findings.box(f"{path}.bbox", sample_id, (left, top, left + width, top + height))
    return None if cut is None or name is None else Label(name, cut)
