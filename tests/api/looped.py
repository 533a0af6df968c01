"""The improvement loop over a real store, with items to review, for an application under test."""

from __future__ import annotations

import hashlib
import io
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from sidecar.api import Services
from sidecar.app.control import Control
from sidecar.app.load import load_config
from sidecar.app.loop import Loop
from sidecar.app.state import load_state
from sidecar.recording import Batch, Datasets, Reader, Sample, Store
from tests.api.live import START, make_prediction

DATASET = "det"
SECRET = "whsec_c2l4dGVlbiBieXRlcyBhdCB0aGUgbGVhc3Q="
UPSTREAMS = [
    {"name": "A", "url": "http://127.0.0.1:1", "version": "1"},
    {"name": "B", "url": "http://127.0.0.1:2", "version": "2"},
]


def begin_loop(folder: Path, store: Store, reader: Reader) -> Loop:
    """The parts of a monitor that close the loop, with a webhook trainer ``away``; none of them runs by itself."""
    (folder / "secret").write_text(SECRET)
    (folder / "secret").chmod(0o600)
    trainer = {"name": "away", "webhook": "http://127.0.0.1:9/train", "secret_file": str(folder / "secret")}
    config = load_config(None, {"upstreams": UPSTREAMS, "data_dir": folder, "trainers": [trainer]})
    control = Control(config, load_state(folder), lambda _: None)
    loop = Loop(config, store, reader, control)
    control.on_change = loop.configure
    return loop


def with_loop(services: Services, loop: Loop) -> Services:
    """``services`` that ask ``loop``; version 1 of every model serves."""
    whole = replace(services)
    loop.offer(whole, lambda model: f"{model}@1")
    return whole


def make_item(folder: Path, index: int, **changes: Any) -> Sample:
    """The ``index``-th image of det 1, with one cat and one dog in it; its file is in ``folder``."""
    picture = io.BytesIO()
    Image.new("RGB", (64, 48), (index * 40 % 256, 90, 200)).save(picture, "PNG")
    path = Path("samples") / f"i{index}.png"
    (folder / path.parent).mkdir(exist_ok=True)
    (folder / path).write_bytes(picture.getvalue())
    found = make_prediction(index)
    values: dict[str, Any] = {
        "sample_id": f"i{index}",
        "prediction_id": f"q{index}",
        "model": "det",
        "version": "1",
        "at": START + index * 3_600,
        "reasons": ("low_confidence",),
        "probability": 0.5,
        "status": "needs_review",
        "media_type": "image/png",
        "path": str(path),
        "bytes": len(picture.getvalue()),
        "width": 64,
        "height": 48,
        "dataset_id": DATASET,
        "unit": f"cam-{index}",
        "score_threshold": 0.5,
        "checksum": hashlib.sha256(picture.getvalue()).hexdigest(),
        "detections": found.detections,
        "value": 0.1 * index,
    }
    return Sample(**(values | changes))


async def add_items(folder: Path, store: Store, n: int) -> None:
    """``n`` items i0, i1 ... of the value queue and one of the audit, ``a0``, in a dataset ``det``."""
    await Datasets(store).ensure(DATASET, "det", time.time())
    for index in range(n):
        await store.add_sample(make_item(folder, index))
    drawn = {"reasons": ("random_sample",), "drawn": True, "draw_rate": 0.1, "audit_rank": 0.5}
    await store.add_sample(make_item(folder, n, sample_id="a0", prediction_id="qa", **drawn))


async def add_predictions(store: Store) -> None:
    """``f0``, which a client called r0, and ``m.0`` and ``m.1``, of one request that a client called r1."""
    made = [make_prediction(20, prediction_id="f0", request_id="f0", client_request_id="r0")]
    for place in range(2):
        told = {"prediction_id": f"m.{place}", "request_id": "m", "image_index": place, "client_request_id": "r1"}
        made.append(make_prediction(21, **told))
    await store.commit(Batch(made, [], {(0, 9): 1}))
