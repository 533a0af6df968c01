"""FastestDet's pre- and postprocessing on numpy, Pillow and onnxruntime: one file, so that a model server can load it.

Independent of the product, which never runs a model: this is what the model servers in the tests run, and the
truth that the recorded detections are compared with.

Input ``input.1`` 1x3x352x352 float32, BGR / 255, plain resize. Output 1x85x22x22: objectness, x, y, w, h, 80 classes.
score = objectness^0.6 * max(class)^0.4; cx = (column + tanh(x)) / 22; cy = (row + tanh(y)) / 22; w, h = sigmoid,
relative to the image; then non-maximum suppression of each class at IoU 0.45.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
from PIL import Image

SIDE_PX = 352
IOU_MAX = 0.45


class Found(NamedTuple):
    """boxes float32 [N, 4] x1, y1, x2, y2 in pixels; scores float32 [N], descending; classes int64 [N]."""

    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray
    width: int
    height: int


class FastestDet:
    """The detector on one core, so that it leaves the machine to what is tested."""

    def __init__(self, weights: Path, names: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
        self.names = names.read_text().split("\n")[:80]

    def detect(self, picture: bytes, score_min: float = 0.3) -> Found:
        """The detections of one JPEG or PNG."""
        with Image.open(io.BytesIO(picture)) as opened:
            image = opened.convert("RGB")
        resized = np.asarray(image.resize((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR), np.float32)
        planes = np.ascontiguousarray((resized[:, :, ::-1] / 255).transpose(2, 0, 1)[None], np.float32)
        output = self.session.run(None, {"input.1": planes})[0][0]
        return decode(output, image.width, image.height, score_min)


def decode(output: np.ndarray, width: int, height: int, score_min: float) -> Found:
    """Detections from the network's output [85, rows, columns] for an image of ``width`` x ``height`` pixels."""
    rows, columns = output.shape[1:]
    classes = output[5:].argmax(0)
    scores = np.maximum(output[0], 0) ** 0.6 * np.maximum(output[5:].max(0), 0) ** 0.4
    row, column = np.nonzero(scores > score_min)
    x, y, w, h = output[1:5, row, column]
    centre_x = (column + np.tanh(x)) / columns
    centre_y = (row + np.tanh(y)) / rows
    half_w, half_h = _sigmoid(w) / 2, _sigmoid(h) / 2
    boxes = np.stack([centre_x - half_w, centre_y - half_h, centre_x + half_w, centre_y + half_h], 1).clip(0, 1)
    boxes = (boxes * (width, height, width, height)).astype(np.float32)
    chosen = _suppress(boxes, scores[row, column], classes[row, column])
    return Found(
        boxes[chosen],
        scores[row, column][chosen].astype(np.float32),
        classes[row, column][chosen].astype(np.int64),
        width,
        height,
    )


def _suppress(boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray) -> list[int]:
    """Indices of the boxes to keep, best first: of those of one class that overlap, only the best."""
    kept: list[int] = []
    for index in np.argsort(-scores, kind="stable").tolist():
        if all(classes[index] != classes[other] or _iou(boxes[index], boxes[other]) <= IOU_MAX for other in kept):
            kept.append(index)
    return kept


def _iou(one: np.ndarray, other: np.ndarray) -> float:
    sides = np.maximum(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0)
    common = float(sides[0] * sides[1])
    union = float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2])) - common
    return common / union if union > 0 else 0.0


def _sigmoid(value: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-value))
