"""Data engines and feedback through the client, against the real application."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sidecar.client import Client, InvalidRequest
from tests.api.live_watch import LiveWatch
from tests.client.looping import looped
from tests.kit.trials_at_hand import TrialsAtHand


@pytest.fixture
def url(tmp_path: Path, watch: LiveWatch, trials: TrialsAtHand) -> Iterator[str]:
    """Where an application is served that has items to review and predictions."""
    with looped(tmp_path, watch, trials) as found:
        yield found


def test_feedback_is_given_listed_and_reported(live: Client) -> None:
    """Positionally as the issue writes it, by the client's own id, of an array too."""
    said = live.submit_feedback("f0", "wrong_label", 1, "cat", np.array([1, 2, 3, 4], np.float32), by="ann")
    assert (said.label, said.correct_box, said.status) == ("dog", [1.0, 2.0, 3.0, 4.0], "recorded")
    assert live.submit_feedback("f0", "wrong_label", 1, "cat", (1, 2, 3, 4), by="ann").id == said.id
    by_request = live.submit_feedback(None, "correct", request_id="r0")
    assert by_request.prediction_id == "f0"
    assert [item.id for item in live.feedback(model_id="det", limit=1)] == [by_request.id, said.id]
    report = live.feedback_report("det", target_precision=0.8)
    assert f"{report.score.value:.3f} {report.score.lower:.3f} {report.threshold.kept_share:.2f}" == "nan nan nan"
    assert report.threshold.threshold is None
    with pytest.raises(InvalidRequest) as raised:
        live.submit_feedback("f0", "missed_object", 0)
    assert [fault.field for fault in raised.value.errors] == ["detection_index"]


def test_bulk_over_the_bound_is_sent_in_parts(live: Client) -> None:
    """Faults keep their place among all that was given."""
    items: list[dict[str, Any]] = [{"prediction_id": "f0", "feedback_type": "correct"}] * 1_000
    came = live.submit_feedback_bulk(
        [*items, {"prediction_id": "f0"}, {"prediction_id": "x", "feedback_type": "correct"}]
    )
    assert (came.accepted, came.pending) == (1_001, 1)
    assert [(fault["index"], fault.field) for fault in came.faults] == [(1_000, "feedback_type")]
    with pytest.raises(InvalidRequest):
        live.submit_feedback_bulk([])
