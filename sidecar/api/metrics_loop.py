"""The families of /metrics about the improvement loop: images kept, feedback, review, training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import get_args

from prometheus_client.core import Metric

from sidecar.api.admission import OTHER, Admission
from sidecar.api.data_engines import DataEngineFigures
from sidecar.api.families import counter, gauge, label
from sidecar.api.feedback import FeedbackFigures
from sidecar.api.review import ItemStatus, ReviewFigures
from sidecar.api.training import JOBS_OPEN, TrainingFigures
from sidecar.data_engine import Thumbnails
from sidecar.types import FeedbackType

DATASETS_SHOWN_MAX = 100
"""Datasets with series of their own, those with most items first; the others count under ``other``."""
RULES_SHOWN_MAX = 100
"""Rules with series of their own; the others count under ``other``."""


class LoopFamilies:
    """Makes families of figures. A dataset or rule that is shown stays shown."""

    def __init__(self) -> None:
        self._datasets = Admission[str](DATASETS_SHOWN_MAX)
        self._rules = Admission[str](RULES_SHOWN_MAX)

    def of_data_engines(self, figures: DataEngineFigures) -> Iterator[Metric]:
        """Families of what is kept; docs/metrics.md lists all."""
        by_rule: Counter[str] = Counter()
        for (rule, _), count in figures["limits_hit"].items():
            by_rule[label(rule)] += count
        self._rules.admit(by_rule.items())
        hits: Counter[tuple[str, str]] = Counter()
        for (rule, limit), count in figures["limits_hit"].items():
            hits[label(rule) if label(rule) in self._rules else OTHER, label(limit)] += count
        yield counter(
            "sidecar_sample_limit_hits",
            "Images that a rule wanted and a limit kept out, by rule and limit.",
            ("rule", "limit"),
            hits,
        )

    def of_feedback(self, figures: FeedbackFigures) -> Iterator[Metric]:
        """Families of feedback."""
        received = {(kind,): 0 for kind in get_args(FeedbackType)} | {(k,): n for k, n in figures["received"].items()}
        yield counter("sidecar_feedback", "Feedback taken, by type.", ("type",), received)
        yield gauge(
            "sidecar_feedback_pending", "Feedback whose prediction is not known yet.", (), {(): figures["pending"]}
        )
        yield counter(
            "sidecar_feedback_expired",
            "Feedback that was dropped: its prediction never came, or has no such detection.",
            (),
            {(): figures["expired"]},
        )

    def of_review(self, figures: ReviewFigures) -> Iterator[Metric]:
        """Families of review."""
        by_dataset: Counter[str] = Counter()
        for (dataset, _), count in figures["items"].items():
            by_dataset[label(dataset)] += count
        self._datasets.admit(by_dataset.items())
        items: Counter[tuple[str, str]] = Counter()
        for dataset in by_dataset:
            for status in get_args(ItemStatus):
                items[dataset if dataset in self._datasets else OTHER, status] = 0
        for (dataset, status), count in figures["items"].items():
            items[label(dataset) if label(dataset) in self._datasets else OTHER, label(status)] += count
        yield gauge("sidecar_items", "Images in review by dataset and status.", ("dataset", "status"), items)

    def of_thumbnails(self, thumbnails: Thumbnails) -> Iterator[Metric]:
        """Families of thumbnails."""
        yield counter(
            "sidecar_thumbnails",
            "Thumbnails that were asked for, by what came of it.",
            ("outcome",),
            {(outcome,): count for outcome, count in thumbnails.counts.items()},
        )
        yield gauge("sidecar_thumbnails_bytes", "Bytes of thumbnails that are remembered.", (), {(): thumbnails.bytes})

    def of_training(self, figures: TrainingFigures) -> Iterator[Metric]:
        """Families of training."""
        jobs = {(status,): 0 for status in JOBS_OPEN} | {(s,): n for s, n in figures["jobs"].items()}
        yield gauge("sidecar_training_jobs", "Training jobs that have not ended, by status.", ("status",), jobs)
