"""Exchanges read as a monitor without any configuration of models reads them."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.dialects import DialectSettings, decode_all
from sidecar.monitor.predictions import is_answer, predictions_of
from sidecar.types import Exchange, Prediction

SCORE_THRESHOLD = 0.25


def read_all(exchanges: Sequence[Exchange]) -> list[list[Prediction]]:
    """Of each exchange its predictions."""
    outcomes = iter(decode_all([(seen, DialectSettings()) for seen in exchanges if is_answer(seen)]))
    return [predictions_of(seen, next(outcomes) if is_answer(seen) else None, SCORE_THRESHOLD) for seen in exchanges]
