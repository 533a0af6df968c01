"""Whether what was trained is better or worse than what it started from, by the trainer's own figures.

A trainer that measures the base on the same images gives each such metric twice, ``map50`` and ``base_map50``. Only
those are compared: figures of other images say nothing of these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

Against = Literal["better", "worse", "mixed", "same"]
BASE_PREFIX = "base_"
NAMED_MAX = 3
"""Metrics that a sentence names on each side; the rest are counted."""
LOWER_IS_BETTER = frozenset(
    ("loss", "error", "errors", "err", "false", "latency", "time", "ms", "mae", "mse", "rmse", "missed")
)
HIGHER_IS_BETTER = frozenset(
    ("map", "ap", "ar", "precision", "recall", "f", "accuracy", "acc", "iou", "miou", "score", "auc", "dice")
)
"""Words of a metric's name, without figures behind them. Of others nobody can say which side is better."""
DIGITS, DIGITS_MAX = 3, 12
"""That count in a figure, more where two would look alike."""
_WORDS = re.compile(r"[a-z]+")


def compared_with_base(metrics: Mapping[str, float | None]) -> tuple[Against | None, str]:
    """How the metrics are beside those of the base, and a sentence about it; (None, "") where none can be compared.

    >>> compared_with_base({"mAP50": 0.55, "base_mAP50": 0.61, "epochs": 3.0})
    ('worse', 'Worse than the version it started from: mAP50 0.61 -> 0.55.')
    >>> compared_with_base({"mAP50": 0.55})
    (None, '')
    """
    better: list[str] = []
    worse: list[str] = []
    same: list[str] = []
    for name, value in metrics.items():
        before, sign = metrics.get(f"{BASE_PREFIX}{name}"), _sign(name)
        if value is None or before is None or not sign:
            continue
        gain = sign * (value - before)
        (better if gain > 0 else worse if gain < 0 else same).append(_moved(name, before, value))
    base = "the version it started from"
    if better and worse:
        return "mixed", f"Worse than {base} in {_listed(worse)}; better in {_listed(better)}."
    if worse:
        return "worse", f"Worse than {base}: {_listed(worse)}."
    if better:
        return "better", f"Better than {base}: {_listed(better)}."
    return ("same", f"As good as {base}: {_listed(same)}.") if same else (None, "")


def _sign(name: str) -> int:
    """1 where more of a metric is better, -1 where less is, 0 where nobody knows.

    >>> [_sign(name) for name in ("metrics/mAP50-95(B)", "f1", "val_box_loss", "train_images")]
    [1, 1, -1, 0]
    """
    words = set(_WORDS.findall(name.lower()))
    return -1 if words & LOWER_IS_BETTER else 1 if words & HIGHER_IS_BETTER else 0


def _moved(name: str, before: float, after: float) -> str:
    """
    >>> _moved("f1", 0.70012, 0.70014), _moved("f1", 0.5, 0.5)
    ('f1 0.70012 -> 0.70014', 'f1 0.5')
    """
    if before == after:
        return f"{name} {before:.{DIGITS}g}"
    digits = next((n for n in range(DIGITS, DIGITS_MAX) if f"{before:.{n}g}" != f"{after:.{n}g}"), DIGITS_MAX)
    return f"{name} {before:.{digits}g} -> {after:.{digits}g}"


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - NAMED_MAX
    return ", ".join([*texts[:NAMED_MAX], *([f"{more} more"] if more > 0 else [])])
