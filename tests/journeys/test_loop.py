"""The improvement loop through real processes: kept, said, reviewed, versioned, trained, put to the test, promoted."""

from __future__ import annotations

import json
import os
import signal
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sidecar import Client
from sidecar.client import NotFound
from tests.kit.image_request import send_picture
from tests.kit.sidecar import Answer, RunningSidecar, ask, running_sidecar, wait_for

TRAINER = Path(__file__).resolve().parents[1] / "kit" / "loop_trainer.py"
IMAGES = 12
PATIENCE_S = 90.0
ModelServer = Callable[[str], str]


def _arguments(folder: Path, url: str, command: list[str]) -> list[str]:
    file = folder / "sidecar.json"  # JSON is YAML
    settings = {
        "upstreams": [{"name": "A", "url": url, "version": "1"}],
        "sampling": {"random_sample": {"rate": 1.0}, "low_confidence": {"enabled": False}},
        "feedback": {"path": "/feedback"},
        "trainers": [
            {
                "name": "local",
                "command": command,
                "upstream": {"url": url, "path": "/v2/models/{model}/versions/{version}/infer"},
            }
        ],
    }
    file.write_text(json.dumps(settings))
    return ["--config", str(file)]


def _count_command() -> list[str]:
    return [sys.executable, str(TRAINER), "{dataset}", "{output}"]


@contextmanager
def _running(folder: Path, arguments: list[str]) -> Iterator[tuple[RunningSidecar, Client]]:
    with running_sidecar(folder, arguments) as sidecar, Client(f"http://127.0.0.1:{sidecar.admin_port}") as client:
        yield sidecar, client


def _say(sidecar: RunningSidecar, **document: object) -> Answer:
    return ask(sidecar.url("/feedback"), json.dumps(document).encode(), Content_Type="application/json")


def _items(client: Client, count: int) -> list[str]:
    def kept() -> list[str]:
        try:
            return [item.id for item in client.get_flagged_items("det", status="needs_review", queue="audit")]
        except NotFound:
            return []

    return wait_for(lambda: (found := kept()) and len(found) >= count and found, what=f"{count} images kept")


def _next_life(sidecar: RunningSidecar, monitor: int) -> None:
    """Once another monitor than that one answers."""
    wait_for(lambda: sidecar.pids("sidecar: monitor") not in ([], [monitor]), what="a new monitor")
    wait_for(lambda: sidecar.api("/api/v1/status"), what="its answers")


def test_loop_closes(tmp_path: Path, model_server: ModelServer) -> None:
    """What clients send is kept and reviewed, becomes a version, trains a model, and that serves once promoted."""
    url = model_server("one")
    with _running(tmp_path, _arguments(tmp_path, url, _count_command())) as (sidecar, client):
        sent = [send_picture(sidecar, "det", number) for number in range(IMAGES)]
        assert set(_items(client, IMAGES)).isdisjoint(sent), "by no id it is given is a reviewer told the version"

        for place in range(IMAGES):
            item = client.claim_next_item("det", by="ann", queue="audit")
            assert item.model is None, "who reviews must not know which version it was"
            assert item.id == client.get_item(item.id).id
            if place % 3:
                client.confirm_item(item.id, by="ann")
            else:
                client.label_item(item.id, [{"label": "car", "box": [10, 20, 110, 220]}], by="ann")
        assert client.claim_next_item("det", by="ann", queue="audit") is None
        assert {sample.prediction_id for sample in client.samples()} == set(sent)
        report = client.feedback_report("det")
        assert (report.score.n, report.score.sampled, report.score.completeness) == (IMAGES, IMAGES, 1.0)
        assert abs(report.score.value - 8 / 12) < 1e-9
        by_class = {row.label: row.precision for row in report.by_class}
        assert by_class["car"] == 1.0
        assert abs(by_class["person"] - 8 / 12) < 1e-9

        version = client.create_dataset_version("det", name="first", by="ann")
        assert (version["items"], version.counts.boxes) == (IMAGES, 4 + 8 * 2)
        assert client.create_dataset_version("det", name="first", by="ann").id == version.id
        exported = client.export_dataset_version(version.id, "coco", tmp_path / "first.zip")
        with zipfile.ZipFile(exported) as archive:
            assert sum(name.endswith(".png") for name in archive.namelist()) == IMAGES

        job = client.create_training_job("Second", "det", version.id, base_model_id="det@1", by="ann")
        job = client.wait_for_training_job(job.id, timeout_s=PATIENCE_S)
        assert (job.status, job.model_version_id) == ("succeeded", "det@9"), client.training_job_log(job.id)
        assert dict(job.metrics) == {"images": IMAGES, "boxes": 20}

        job = client.deploy_training_job(job.id, kind="ab", name="Ninth", config={"traffic_split": 0.5})
        assert client.ab_test(job.test_id).status == "running"
        client.promote_ab_test(job.test_id, variant="det@9")

        def path_served() -> bool:
            send_picture(sidecar, "det", 99)
            return json.loads(ask(url).body).get("/v2/models/det/versions/9/infer", 0) > 0

        wait_for(path_served, what="the new version serving")


def test_feedback_by_either_port_counts_once_and_early_feedback_waits(
    tmp_path: Path, model_server: ModelServer
) -> None:
    """Feedback by prediction id or the client's own, on either port, before its prediction too, survives a kill."""
    url = model_server("one")
    with _running(tmp_path, _arguments(tmp_path, url, _count_command())) as (sidecar, client):
        missed = {"request_id": "frame-3", "feedback_type": "missed_object", "correct_box": [1, 2, 30, 40]}
        # a worker that has no monitor yet says so
        early = wait_for(lambda: (answer := _say(sidecar, **missed)).status != 503 and answer, what="an open ear")
        assert (early.status, json.loads(early.body)["status"]) == (200, "pending")
        sent = [send_picture(sidecar, "det", number) for number in range(4)]
        wait_for(lambda: sidecar.api(f"/api/v1/predictions/{sent[3]}"), what="predictions recorded")
        assert _say(sidecar, prediction_id=sent[0], feedback_type="correct").status == 200
        assert _say(sidecar, prediction_id=sent[0], feedback_type="correct").status == 200, "the same again"
        client.submit_feedback(sent[1], "wrong_label", detection_index=1, correct_class="truck", by="ann")
        refused = _say(sidecar, prediction_id=sent[1], feedback_type="false_positive", detection_index=7)
        assert refused.status == 422
        assert json.loads(refused.body)["errors"][0]["field"] == "detection_index"

        def by_type() -> dict[str, int]:
            return dict(client.feedback_report("det").users.by_type)

        wanted = {"correct": 1, "wrong_label": 1, "missed_object": 1}
        wait_for(lambda: by_type() == wanted, what="all three told")
        (monitor,) = sidecar.pids("sidecar: monitor")
        os.kill(monitor, signal.SIGKILL)
        _next_life(sidecar, monitor)
        client.submit_feedback(sent[1], "correct", by="ann")
        wanted = {"correct": 2, "missed_object": 1}
        wait_for(lambda: {k: n for k, n in by_type().items() if n} == wanted, what="a person who thought better of it")

        def summed() -> dict[str, int]:
            points = client.summaries(width_s=10, model="det")["points"]
            told: dict[str, int] = {}
            for point in points:
                for kind, n in point["summary"]["feedback"].items():
                    told[kind] = told.get(kind, 0) + n
            return {kind: n for kind, n in told.items() if n}

        wait_for(lambda: summed() == wanted, what="the summaries")


def test_job_survives_the_monitor_that_started_it(tmp_path: Path, model_server: ModelServer) -> None:
    """A trainer goes on while its monitor is killed, and the next takes the job up to its end."""
    url = model_server("one")
    may_end = tmp_path / "may-end"
    code = (
        "import pathlib, sys, time\n"
        "for _ in range(6_000):\n"  # no longer than five minutes: it outlives a test that fails
        "    if pathlib.Path(sys.argv[1]).exists(): break\n"
        "    time.sleep(0.05)"
    )
    command = [sys.executable, "-c", code, str(may_end)]
    with _running(tmp_path, _arguments(tmp_path, url, command)) as (sidecar, client):
        send_picture(sidecar, "det", 1)
        (item,) = _items(client, 1)
        assert client.claim_next_item("det", by="ann", queue="audit") is not None
        client.label_item(item, [], by="ann")
        version = client.create_dataset_version("det", name="one", by="ann")
        job = client.create_training_job("Slow", "det", version.id, base_model_id="det@1")
        wait_for(lambda: client.training_job(job.id).status == "running", what="the trainer")
        (monitor,) = sidecar.pids("sidecar: monitor")
        os.kill(monitor, signal.SIGKILL)
        _next_life(sidecar, monitor)
        assert client.training_job(job.id).status == "running"
        may_end.touch()
        assert client.wait_for_training_job(job.id, timeout_s=PATIENCE_S).status == "succeeded"
        assert client.model_versions("det")[0].job_id == job.id
