"""Training jobs through the client, against the real application and a server whose answers the test writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.client import Client, ConnectionFailed, InvalidRequest, NotEnded, NotFound
from sidecar.client.attempts import ATTEMPTS_MAX
from tests.api.live_watch import LiveWatch
from tests.api.looped import DATASET
from tests.client.looping import looped
from tests.client.scripted import Script
from tests.kit.trials_at_hand import TrialsAtHand


@pytest.fixture
def url(tmp_path: Path, watch: LiveWatch, trials: TrialsAtHand) -> Iterator[str]:
    """Where an application is served that has items to review and predictions."""
    with looped(tmp_path, watch, trials) as found:
        yield found


def test_training_job_lives_through_all_its_calls(live: Client, url: str) -> None:
    """Waited for in vain, cancelled, and then waited for well."""
    live.confirm_item("i0", by="ann")
    version = live.create_dataset_version(DATASET)
    job = live.create_training_job("Try", DATASET, version.id, "det@1", trainer="manual", by="ann")
    assert live.training_jobs() == live.training_jobs("queued") == [live.training_job(job.id)] == [job]
    assert live.training_job_log(job.id) == ""
    slept: list[float] = []
    with Client(url, sleep=slept.append) as patient, pytest.raises(NotEnded, match="queued"):
        patient.wait_for_training_job(job.id, timeout_s=5_000, poll_s=2_000)
    assert sum(slept) == pytest.approx(5_000, abs=100)  # the time that it took to ask counts too
    with pytest.raises(InvalidRequest) as raised:
        live.report_training_job(job.id, "succeeded", {"map50": 0.6}, "2", "http://127.0.0.1:9", progress=1.0)
    assert raised.value.status == 409
    with pytest.raises(InvalidRequest, match="queued"):
        live.deploy_training_job(job.id, "shadow")
    assert live.cancel_training_job(job.id).status == "cancelled"
    assert live.wait_for_training_job(job.id).status == "cancelled"
    assert live.model_versions() == live.model_versions("det") == []


def test_job_is_waited_for_over_a_restart_of_the_sidecar(script: Script, client: Client, waits: list[float]) -> None:
    """Once it is known; an address where nobody is, or a job that is none, is told at once."""
    script.will_give({"id": "j1", "status": "running"})
    for _ in range(ATTEMPTS_MAX):
        script.will_give(b"", 503)
    script.will_give({"id": "j1", "status": "succeeded"})
    assert client.wait_for_training_job("j1", timeout_s=60, poll_s=2).status == "succeeded"
    with pytest.raises(ConnectionFailed):
        client.wait_for_training_job("j1")  # the script has no answers: it hangs up
    script.will_give({"id": "j1", "status": "running"})
    with pytest.raises(ConnectionFailed):
        client.wait_for_training_job("j1", timeout_s=5, poll_s=2)
    script.will_give({"id": "j1", "status": "running"})
    script.will_give({"type": "about:blank", "detail": "no job"}, 404)
    with pytest.raises(NotFound):
        client.wait_for_training_job("j1")
