"""Images with detections and labels, made cheaply."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # where pytest was not started as `python -m pytest`
    sys.path.insert(0, str(ROOT))

from sidecar.feedback import Audited  # noqa: E402
from sidecar.types import Box, Detections, Label  # noqa: E402

Row = tuple[str, float, Box]
"""(class, score, box)"""


def detected(*rows: Row, normalised: bool = False) -> Detections:
    """Detections in the order given, with their scores as they are."""
    labels = tuple(dict.fromkeys(name for name, _, _ in rows))
    return Detections(
        np.array([box for _, _, box in rows], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in rows], np.float32),
        np.array([labels.index(name) for name, _, _ in rows], np.int32),
        labels,
        normalised,
    )


@pytest.fixture
def make_audited() -> Callable[..., Audited]:
    """``make(rights, scores)``: an image with a detection of each score in a place of its own, right or not."""

    def make(rights: Sequence[bool], scores: Sequence[float], *, label: str = "car", **fields: Any) -> Audited:
        rows = [(label, score, (20.0 * i, 0.0, 20.0 * i + 10, 10.0)) for i, score in enumerate(scores)]
        labels = tuple(Label(label, rows[i][2]) for i, right in enumerate(rights) if right)
        verdict = "correct" if all(rights) else "false_positive"
        known = {"draw_rate": 0.1, "version": "1", "at": 0.0, "score_threshold": 0.25}
        return Audited(**{**known, "detections": detected(*rows), "labels": labels, "verdict": verdict, **fields})

    return make
