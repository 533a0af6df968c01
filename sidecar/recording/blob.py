"""The detections of one image as one blob: a version, columns, labels.

Layout, little-endian: ``u8 version``, ``u8 flags`` (1: boxes are in 0..1), ``u32 n``, ``u32 bytes of labels``, then
float32 boxes [n, 4], float32 scores [n], int32 classes [n], and the labels as a JSON list.
"""

from __future__ import annotations

import json
import struct
from functools import lru_cache

import numpy as np

from sidecar.types import Detections

BLOB_VERSION = 1
DETECTIONS_MAX = 10_000
"""Detections of one image that are stored; those with the highest scores, since they come first."""

_HEAD = struct.Struct("<BBII")
_NORMALISED = 1
_F4, _I4 = np.dtype("<f4"), np.dtype("<i4")
_DETECTION_BYTES = 24


class BlobError(ValueError):
    """Bytes that are no packed detections, or of a version this code does not know."""


def pack_detections(detections: Detections) -> bytes:
    """``detections`` as bytes, cut at DETECTIONS_MAX.

    >>> empty = Detections(np.zeros((0, 4), "f4"), np.zeros(0, "f4"), np.zeros(0, "i4"), ("person",))
    >>> unpack_detections(pack_detections(empty)).labels
    ('person',)
    """
    boxes, scores, classes = detections.boxes, detections.scores, detections.classes
    n = len(scores)
    if n > DETECTIONS_MAX:
        n = DETECTIONS_MAX
        boxes, scores, classes = boxes[:n], scores[:n], classes[:n]
    labels = _pack_labels(detections.labels)
    return b"".join(
        (
            _HEAD.pack(BLOB_VERSION, _NORMALISED if detections.normalised else 0, n, len(labels)),
            (boxes if boxes.dtype == _F4 else boxes.astype(_F4)).tobytes(),
            (scores if scores.dtype == _F4 else scores.astype(_F4)).tobytes(),
            (classes if classes.dtype == _I4 else classes.astype(_I4)).tobytes(),
            labels,
        )
    )


def unpack_detections(blob: bytes) -> Detections:
    """The detections that pack_detections wrote, as read-only arrays. Raises BlobError on anything else."""
    if len(blob) < _HEAD.size:
        raise BlobError(f"blob: {len(blob)} bytes, shorter than its head of {_HEAD.size}")
    version, flags, n, labels_bytes = _HEAD.unpack_from(blob)
    if version != BLOB_VERSION:
        raise BlobError(f"blob: version {version}, expected {BLOB_VERSION}")
    if len(blob) != _HEAD.size + n * _DETECTION_BYTES + labels_bytes:
        raise BlobError(f"blob: {len(blob)} bytes do not hold {n} detections and {labels_bytes} bytes of labels")
    start = _HEAD.size
    boxes = np.frombuffer(blob, "<f4", 4 * n, start).reshape(n, 4)
    scores = np.frombuffer(blob, "<f4", n, start + 16 * n)
    classes = np.frombuffer(blob, "<i4", n, start + 20 * n)
    labels = _unpack_labels(blob[start + _DETECTION_BYTES * n :])
    return Detections(boxes, scores, classes, labels, bool(flags & _NORMALISED))


@lru_cache(maxsize=1_024)
def _pack_labels(labels: tuple[str, ...]) -> bytes:
    """JSON with ASCII escapes, so that even a label with a lone surrogate survives the round trip."""
    return json.dumps(labels, separators=(",", ":")).encode("ascii")


@lru_cache(maxsize=1_024)
def _unpack_labels(packed: bytes) -> tuple[str, ...]:
    """Those of a model are the same in every blob. Raises BlobError."""
    try:
        return tuple(json.loads(packed))
    except ValueError as error:
        raise BlobError(f"blob: labels: {error}") from error
