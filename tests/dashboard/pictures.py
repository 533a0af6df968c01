"""Images kept for review, with things in them, in a real store; what a browser must show of them."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from sidecar.recording import Datasets, Sample, Store
from sidecar.types import Detections
from tests.api.live import START

WIDTH, HEIGHT = 400, 300
CAR = (40.0, 60.0, 160.0, 140.0)
BUS = (220.0, 120.0, 370.0, 260.0)
COLOURS = {"car": (70, 130, 220), "bus": (210, 120, 60)}
DATASET = "street"


def picture(index: int, things: dict[str, tuple[float, float, float, float]]) -> bytes:
    """A PNG with a rectangle of a colour of its own for each thing; every ``index`` has another sky."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (40 + index * 37 % 120, 90, 100))
    pen = ImageDraw.Draw(image)
    for name, box in things.items():
        pen.rectangle(box, fill=COLOURS.get(name, (120, 160, 90)))
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def make_picture(folder: Path, index: int, **changes: Any) -> Sample:
    """The ``index``-th image of det 1: a car seen with 0.9 and a bus with 0.6; its file is in ``folder``. The later,
    the more it is worth."""
    content = picture(index, {"car": CAR, "bus": BUS})
    path = Path("samples") / f"s{index}.png"
    (folder / path.parent).mkdir(exist_ok=True)
    (folder / path).write_bytes(content)
    values: dict[str, Any] = {
        "sample_id": f"s{index}",
        "prediction_id": f"q{index}",
        "model": "det",
        "version": "1",
        "at": START + index * 3_600,
        "reasons": ("low_confidence",),
        "probability": 0.5,
        "status": "needs_review",
        "media_type": "image/png",
        "path": str(path),
        "bytes": len(content),
        "width": WIDTH,
        "height": HEIGHT,
        "dataset_id": DATASET,
        "unit": f"cam-{index}",
        "score_threshold": 0.5,
        "checksum": hashlib.sha256(content).hexdigest(),
        "detections": seen(("car", "bus"), (CAR, BUS), (0.9, 0.6)),
        "value": round(0.05 * (index + 1), 2),
    }
    return Sample(**(values | changes))


def seen(
    labels: tuple[str, ...], boxes: tuple[tuple[float, float, float, float], ...], scores: tuple[float, ...]
) -> Detections:
    """What a model answers: each of ``boxes`` is of the class at its place."""
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        np.arange(len(boxes), dtype=np.int32),
        labels,
    )


DRAWN = {"reasons": ("random_sample",), "drawn": True, "draw_rate": 0.1}


async def add_pictures(folder: Path, store: Store, n: int, name: str = "Street", **changes: Any) -> None:
    """``n`` images s0, s1 ... of the value queue, which gives out the last one first."""
    await Datasets(store).ensure(DATASET, name, START)
    for index in range(n):
        await store.add_sample(make_picture(folder, index, **changes))
