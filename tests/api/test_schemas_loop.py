"""What the API says of the improvement loop, held against real documents: no key more, no key less."""

from __future__ import annotations

from typing import Any

import numpy as np

from sidecar.api.schemas_data_engines import DataEngine
from sidecar.api.schemas_datasets import DatasetVersion, VersionDiff
from sidecar.api.schemas_feedback import FeedbackReport
from sidecar.api.schemas_items import LABELS_MAX, LEASE_S_MAX, LEASE_S_MIN, Item
from sidecar.api.schemas_training import ModelVersion, ReportBody, TrainingJob
from sidecar.app.item_documents import item_document
from sidecar.app.training_api import trained_version_document
from sidecar.data_engine import DataEngine as Choosing
from sidecar.data_engine import Engine, sampling_config
from sidecar.datasets import diff_versions, make_version, version_document
from sidecar.feedback import Audited, report_of
from sidecar.recording import Sample
from sidecar.review import LABELS_MAX as REVIEW_LABELS_MAX
from sidecar.review import LEASE_S_MAX as REVIEW_LEASE_S_MAX
from sidecar.review import LEASE_S_MIN as REVIEW_LEASE_S_MIN
from sidecar.training import Job, Report, Result, Upstream
from sidecar.training.job import model_version_row
from sidecar.training.report import FIELDS
from sidecar.types import Detections, Label
from tests.api.live import START, make_prediction
from tests.api.test_schemas_trials import check_closed

CAT = Label("cat", (1.0, 2.0, 30.0, 40.0))
FOUND = Detections(
    np.array([[1, 2, 30, 40], [5, 5, 9, 9]], np.float32),
    np.array([0.9, 0.6], np.float32),
    np.array([0, 1], np.int32),
    ("cat", "dog"),
)


def sample(index: int, **changes: Any) -> Sample:
    """A labeled image."""
    values: dict[str, Any] = {
        "sample_id": f"s{index}",
        "prediction_id": f"p{index}",
        "model": "det",
        "version": "1",
        "at": START + index * 3_600,
        "reasons": ("random_sample",),
        "probability": 0.1,
        "status": "labeled",
        "media_type": "image/png",
        "path": f"samples/s{index}.png",
        "bytes": 100,
        "width": 64,
        "height": 48,
        "dataset_id": "det",
        "checksum": f"{index:064x}",
        "detections": FOUND,
        "labels": (CAT,),
        "verdict": "false_positive",
        "reviewed_by": "ann",
    }
    return Sample(**(values | changes))


def test_data_engine_that_held_something_back_is_closed() -> None:
    """Each limit stands under its rule."""
    rule = {"threshold": 0.95, "sample_rate": 1, "limits": {"per_hour": 0}}
    engine = Choosing({"det": Engine(sampling_config({"low_confidence": rule}))})
    engine.decide(make_prediction())
    document = {
        "model": "det",
        "dataset_id": engine.dataset_of("det"),
        "config": engine.config_of("det").to_dict(),
        "origin": "api",
        "updated_at": START,
        "kept_last_day": engine.kept_last_day("det", START),
        "limits_hit": engine.limits_hit("det"),
    }
    assert len(check_closed(document, DataEngine)) == 2


def test_items_reviewed_and_not_are_closed() -> None:
    """Of the audit and of the value queue."""
    seen = check_closed(item_document(sample(0, drawn=True)), Item)
    assert len(seen) == 3
    check_closed(item_document(sample(0, status="needs_review", labels=None, verdict="", drawn=True)), Item)


def test_version_and_difference_are_closed() -> None:
    """With something added and something labeled otherwise."""
    before, first, _ = make_version([sample(0), sample(1)], "det", "", "v1", "ann", START)
    after, second, _ = make_version([sample(1, labels=()), sample(2)], "det", before.version_id, "v2", "", START)
    seen = check_closed(version_document(after, 0), DatasetVersion)
    assert len(seen) == 5
    seen = check_closed(diff_versions(before.version_id, first, after.version_id, second), VersionDiff)
    assert len(seen) == 3


def test_reports_with_and_without_anything_to_tell_are_closed() -> None:
    """Estimates are null or numbers."""
    audited = [
        Audited(
            draw_rate=0.1,
            version=str(index % 2),
            at=START + index,
            detections=FOUND,
            score_threshold=0.5,
            labels=(CAT,),
            verdict="false_positive",
            width=64,
            height=48,
        )
        for index in range(30)
    ]
    users = {"0": {"correct": 3, "wrong_box": 1}}
    report = report_of("det", audited, {"0": 20, "1": 20}, users, since=START, until=START + 60)
    seen = check_closed(report.to_dict(), FeedbackReport)
    assert len(seen) == 8
    check_closed(report_of("det", [], {}, {}).to_dict(), FeedbackReport)


def test_job_and_what_it_made_are_closed() -> None:
    """From the queue to the version."""
    job = Job("j1", "Vehicles", "det", "v1", "det@1", "away", "webhook", "succeeded", START, metrics={"map50": 0.6})
    check_closed(job.to_dict(), TrainingJob)
    served = Upstream("http://127.0.0.1:9", "/v2")
    row = model_version_row(job, "2", Result(metrics={"map50": 0.6}), served, "", START)
    assert len(check_closed(trained_version_document(row), ModelVersion)) == 2


def test_bounds_and_names_are_those_of_the_rooms() -> None:
    """What is told of a report is what is read of one; what may be asked for is what is taken."""
    assert (LABELS_MAX, LEASE_S_MIN, LEASE_S_MAX) == (REVIEW_LABELS_MAX, REVIEW_LEASE_S_MIN, REVIEW_LEASE_S_MAX)
    assert set(ReportBody.model_fields) == set(FIELDS)
    assert Report("running").status in ReportBody.model_json_schema()["properties"]["status"]["enum"]
