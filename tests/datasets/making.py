"""Versions of datasets with real images in a folder, for tests of what is made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sidecar.datasets import Export, format_of, make_version
from sidecar.recording import Sample
from sidecar.types import Box, Detections, Label

HOSTILE = (
    "cat",
    "Cat",
    "../../etc/passwd",
    'say "hi" & <b>bye</b>',
    "it's",
    "two\nlines",
    "🦊 fox",
    "null",
    "yes",
    "1.0",
    "a: b # c",
    "tab\tbed",
    "Straße",
    "C:\\dir",
    "]]>",
)
"""Names of classes that break what is careless: paths, quotes, mark-up, line ends, words of YAML."""


def label(name: str, *box: float) -> Label:
    left, top, right, bottom = map(float, box)
    return Label(name, (left, top, right, bottom))


def item(sample_id: str, labels: Sequence[Label] | None = (), **known: Any) -> Sample:
    """A labelled item of 320 x 240 pixels without a file; ``labels`` None: it waits for its review."""
    made = Sample(
        sample_id, sample_id, "m", "1", 0.0, ("low_confidence",), 0.5, "needs_review", "image/png", f"{sample_id}.png",
        9, 320, 240, dataset_id="d", checksum=hashlib.sha256(sample_id.encode()).hexdigest(),
    )  # fmt: skip
    if labels is not None:
        made = replace(made, status="labeled", labels=tuple(labels))
    return replace(made, **known)


def with_images(folder: Path, items: Sequence[Sample]) -> list[Sample]:
    """The items with an image of their size and media type each, drawn from their ids and put in the folder."""
    found = []
    for one in items:
        kind = one.media_type.partition("/")[2]
        path = folder / f"{hashlib.sha256(one.sample_id.encode()).hexdigest()[:20]}.{kind}"
        seed = int.from_bytes(hashlib.sha256(one.sample_id.encode()).digest()[:4], "big")
        pixels = np.random.default_rng(seed).integers(0, 256, (max(one.height, 1), max(one.width, 1), 3), np.uint8)
        Image.fromarray(pixels).save(path, kind)
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        found.append(replace(one, path=path.name, bytes=len(content), checksum=digest))
    return found


def detections(found: Sequence[tuple[str, float, Box]], normalised: bool = False) -> Detections:
    names = tuple(dict.fromkeys(name for name, _, _ in found))
    return Detections(
        np.array([box for _, _, box in found], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in found], np.float32),
        np.array([names.index(name) for name, _, _ in found], np.int32),
        names,
        normalised,
    )


def export_of(folder: Path, items: Sequence[Sample], **known: Any) -> Export:
    """The version of these items."""
    row, frozen, _ = make_version(items, "d", "", "first", "ada", 1_700_000_000.0)
    return Export(row, tuple(frozen), folder, samples={one.sample_id: one for one in items}, **known)


def labels_of(export: Export) -> Mapping[str, tuple[Label, ...]]:
    return {one.sample_id: one.labels for one in export.items}


def documents_of(export: Export, format_name: str) -> dict[str, bytes]:
    """What a format writes beside images, by the name in the archive."""
    found = {}
    for name, content in format_of(format_name).exporter(export):
        if not isinstance(content, Path) and not name.endswith("/"):
            found[name] = content if isinstance(content, bytes) else b"".join(content)
    return found
