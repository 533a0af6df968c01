"""Labels from Label Studio's JSON export: a list of tasks with their annotations.

A task is known by ``data.sample_id`` or ``meta.sample_id``, which exports of this house have, else by the name of the
file that its image's address ends in. Of several annotations the latest counts; cancelled ones don't. An annotation
without regions says that there is nothing in the image.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sidecar.datasets.imports.result import Findings, Imported, numbers, shown
from sidecar.types import Label

TASKS_MAX = 100_000
RESULTS_MAX = 1_000_000
BESIDE_BOXES = frozenset({"choices", "textarea", "rating", "number", "datetime", "taxonomy", "pairwise", "relation"})
"""What says something of the whole image or of two regions: no box, and none is missing without it."""
WHOLE = 100.0
"""Coordinates are percent."""


def read_label_studio(document: Any, known: Mapping[str, tuple[int, int]]) -> Imported:
    """The labels of the known images. ``document`` is parsed JSON; ``known`` has each sample's width and height."""
    findings = Findings(known)
    if not isinstance(document, list):
        findings.fault("", "must be a list of tasks, as Label Studio's JSON export is")
        return findings.result()
    if len(document) > TASKS_MAX:
        findings.fault("", f"must have at most {TASKS_MAX} tasks, not {len(document)}")
        return findings.result()
    taken: dict[str, int] = {}
    results = 0
    for place, task in enumerate(document):
        path = f"[{place}]"
        if not isinstance(task, dict) or not isinstance(task.get("annotations"), list):
            findings.fault(
                f"{path}.annotations", "every task must have a list of annotations: export as JSON, not JSON_MIN"
            )
            continue
        sample_id = _sample(findings, task)
        if sample_id is None:
            findings.unknown_image(_name_of(task))
            continue
        latest = _latest(findings, path, task["annotations"])
        if latest is None:
            findings.skipped += 1
        elif sample_id in taken:
            findings.fault(path, f"must be the only task of its image, [{taken[sample_id]}] is of {sample_id} too")
            findings.labels.pop(sample_id, None)
        else:
            taken[sample_id] = place
            at, regions = latest
            results += len(regions)
            if results > RESULTS_MAX:
                findings.fault(path, f"a document has at most {RESULTS_MAX} regions")
                break
            labels = _labels(findings, f"{path}.annotations[{at}].result", regions, sample_id)
            if labels is not None:
                findings.give(path, sample_id, labels)
    return findings.result()


def _sample(findings: Findings, task: Mapping[str, Any]) -> str | None:
    for name in ("data", "meta"):
        part = task.get(name)
        said = part.get("sample_id") if isinstance(part, dict) else None
        if isinstance(said, str) and said in findings.known:
            return said
    for address in _addresses(task):
        found = findings.by_file(address)
        if found is not None:
            return found
    return None


def _addresses(task: Mapping[str, Any]) -> list[str]:
    """What may be the image's address: texts of the task's data, ``image`` first."""
    data = task.get("data")
    if not isinstance(data, dict):
        return []
    names = sorted(data, key=lambda name: name != "image")
    return [data[name] for name in names if isinstance(data[name], str)]


def _name_of(task: Mapping[str, Any]) -> str:
    data = task.get("data")
    said = data.get("sample_id") if isinstance(data, dict) else None
    return said if isinstance(said, str) and said else next(iter(_addresses(task)), shown(task.get("id")))


def _latest(findings: Findings, path: str, annotations: list[Any]) -> tuple[int, list[Any]] | None:
    """(place, result) of the annotation that counts, None where there is none."""
    found = []
    for place, annotation in enumerate(annotations):
        if not isinstance(annotation, dict) or not isinstance(annotation.get("result"), list):
            findings.fault(f"{path}.annotations[{place}].result", "every annotation must have a list of results")
        elif not annotation.get("was_cancelled"):
            found.append((_time(annotation), place, annotation["result"]))
    return max(found, key=lambda one: one[:2])[1:] if found else None


def _time(annotation: Mapping[str, Any]) -> float:
    """When it was last changed, in epoch seconds; 0 where it doesn't say."""
    for name in ("updated_at", "created_at"):
        said = annotation.get(name)
        if isinstance(said, str):
            try:
                found = datetime.fromisoformat(said)
                return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
            except (ValueError, OverflowError):
                continue
    return 0.0


def _labels(findings: Findings, path: str, results: Iterable[Any], sample_id: str) -> list[Label] | None:
    """The labels of an annotation; None where any of its regions has a fault."""
    labels = []
    whole = True
    for place, result in enumerate(results):
        kind = result.get("type") if isinstance(result, dict) else None
        if isinstance(kind, str) and kind in BESIDE_BOXES:
            continue
        if kind != "rectanglelabels":
            findings.fault(f"{path}[{place}].type", f"must be rectanglelabels, {shown(kind)} is no box with a class")
            whole = False
            continue
        one = _label(findings, f"{path}[{place}]", result, sample_id)
        whole = whole and one is not None
        labels += [one] if one is not None else []
    return labels if whole else None


def _label(findings: Findings, path: str, result: Mapping[str, Any], sample_id: str) -> Label | None:
    value = result.get("value")
    value = value if isinstance(value, dict) else {}
    names = value.get("rectanglelabels")
    if not isinstance(names, list) or len(names) != 1:
        findings.fault(f"{path}.value.rectanglelabels", f"must have one class, not {shown(names)}")
        return None
    name = findings.name(f"{path}.value.rectanglelabels[0]", names[0])
    said = [value.get(side) for side in ("x", "y", "width", "height")]
    sides = numbers(said, 4)
    if sides is None:
        findings.fault(f"{path}.value", f"must have x, y, width and height in percent, not {shown(said)}")
        return None
    if value.get("rotation") or result.get("image_rotation"):
        findings.fault(f"{path}.value.rotation", "must be 0: a turned box has no upright place in the image")
        return None
    measured = [result.get("original_width"), result.get("original_height")]
    size = numbers(measured, 2)
    if size is None or min(size) <= 0:
        findings.fault(f"{path}.original_width", f"must be the image's size in pixels, not {shown(measured)}")
        return None
    if not findings.same_size(path, sample_id, *size):
        return None
    left, top, wide, high = (side * of / WHOLE for side, of in zip(sides, [*size, *size], strict=True))
    box = findings.box(f"{path}.value", sample_id, (left, top, left + wide, top + high))
    return None if box is None or name is None else Label(name, box)
