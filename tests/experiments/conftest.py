"""Arms and epochs to compare: made cheaply from counts, or drawn."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # where pytest was not started as `python -m pytest`
    sys.path.insert(0, str(ROOT))

from sidecar.experiments import Arm, Epoch  # noqa: E402
from sidecar.summaries import Summary  # noqa: E402
from tests.kit.drawing import drawn_summary  # noqa: E402


@pytest.fixture(scope="session")
def make_summary() -> Callable[..., Summary]:
    """``make(seed, n, **of)``: a Summary of drawn requests, see ``drawn_summary``."""

    def make(seed: int, n: int, **of: Any) -> Summary:
        return drawn_summary(np.random.default_rng(seed), n, **of)

    return make


@pytest.fixture(scope="session")
def make_epoch(make_summary: Callable[..., Summary]) -> Callable[..., Epoch]:
    """One epoch of A and B, ``n`` requests at a ``share`` of B; ``a`` and ``b`` say what differs."""

    def make(
        n: int,
        share: float = 0.5,
        *,
        seed: int = 0,
        a: dict[str, Any] | None = None,
        b: dict[str, Any] | None = None,
        **both: Any,
    ) -> Epoch:
        n_b = round(n * share)
        arms = [
            Arm.of_summary(name, make_summary([seed, place], size, **(both | (of or {}))), slow_edge_ms=40.0)
            for place, (name, size, of) in enumerate((("A", n - n_b, a), ("B", n_b, b)))
        ]
        return Epoch(arms[0], (arms[1],), (1 - share, share))

    return make
