"""A whole sidecar in which there is one of everything that its API knows, for whoever asks it many questions."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.kit.image_request import send_picture
from tests.kit.sidecar import RunningSidecar, ask, running_sidecar, wait_for

TOKEN = "a-token-of-the-tests-with-every-scope"
IMAGES = 12
TRAINER = "import json, sys; json.dump({'version': '9'}, open(sys.argv[1] + '/result.json', 'w'))"


@contextmanager
def populated_sidecar(folder: Path, model_url: str) -> Iterator[RunningSidecar]:
    """A sidecar that demands TOKEN, before the model server at ``model_url``, with traffic, feedback, a dataset and
    its version, a baseline, alerts, tests of both kinds, a training job and a token."""
    token_file = folder / "token"
    token_file.write_text(TOKEN)
    settings = {
        "upstreams": [
            {"name": "A", "url": model_url, "version": "1"},
            {"name": "B", "url": model_url, "version": "2"},
        ],
        "admin": {"token_file": str(token_file)},
        "sampling": {"random_sample": {"rate": 1.0}, "low_confidence": {"enabled": False}},
        "feedback": {"path": "/feedback"},
        "trainers": [{"name": "local", "command": [sys.executable, "-c", TRAINER, "{output}"]}],
    }
    file = folder / "sidecar.json"  # JSON is YAML
    file.write_text(json.dumps(settings))
    with running_sidecar(folder, ["--config", str(file)], token=TOKEN) as sidecar:
        _populate(sidecar)
        yield sidecar


def _populate(sidecar: RunningSidecar) -> None:
    sent = [send_picture(sidecar, "det", number) for number in range(IMAGES)]
    faces = [send_picture(sidecar, "faces", number) for number in range(3)]
    items = "/api/v1/datasets/det/items?queue=audit"
    wait_for(lambda: len((sidecar.api(items) or {"items": ()})["items"]) == IMAGES, what="the images kept")
    wait_for(lambda: sidecar.api(f"/api/v1/predictions/{faces[-1]}"), what="the other model")
    _post(sidecar, "feedback", prediction_id=sent[0], feedback_type="correct", by="ann")
    wrong = {"feedback_type": "wrong_label", "detection_index": 1, "correct_class": "truck"}
    _post(sidecar, "feedback", prediction_id=sent[1], **wrong)
    for _ in range(4):
        item = _post(sidecar, "datasets/det/claim", by="ann", queue="audit")["item"]
        labels = [{"label": "car", "box": [10, 20, 110, 220]}]
        _post(sidecar, f"items/{item['id']}/label", by="ann", labels=labels)
    _post(sidecar, "datasets", name="Spare", id="spare")
    version = _post(sidecar, "datasets/det/versions", name="first", by="ann")
    _post(sidecar, "baselines", model_id="det@1", period="24h")
    condition = {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "10m"}
    _post(sidecar, "alerts", model_id="det", name="Low confidence", condition=condition, notify=["slack:#ops"])
    share = {"traffic_split": 0.2}
    _post(sidecar, "ab-tests", name="Second", model_a_id="det", model_b_id="det@2", config=share)
    _post(sidecar, "shadow-tests", name="Copies", model_id="faces", shadow_model_id="B", config={"share": 0.5})
    for number in range(IMAGES):
        send_picture(sidecar, "det", number + IMAGES)
        send_picture(sidecar, "faces", number + IMAGES)
    rules = json.dumps({"config": {"random_sample": {"rate": 1.0}}}).encode()
    _ask(sidecar, "PUT", "data-engines/faces", rules)
    job = {"dataset_id": "det", "version_id": version["id"], "base_model_id": "det@1"}
    made = _post(sidecar, "training-jobs", name="Ninth", **job)["id"]
    job_path = f"/api/v1/training-jobs/{made}"
    wait_for(lambda: (sidecar.api(job_path) or {}).get("status") == "succeeded", what="the training job")
    _post(sidecar, "models", name="det", version="3", url="http://127.0.0.1:9", description="served nowhere")
    _post(sidecar, "tokens", name="a scraper", scopes=["read"])


def ids_of(sidecar: RunningSidecar) -> dict[str, list[str]]:
    """What there is, by the names of paths' parameters."""

    def found(path: str, field: str = "id") -> list[str]:
        return [str(item[field]) for item in sidecar.api(f"/api/v1/{path}")["items"]]

    tests = [*found("ab-tests"), *found("shadow-tests")]
    return {
        "prediction_id": found("predictions?limit=5", "prediction_id"),
        "sample_id": found("samples?limit=5", "sample_id"),
        "item_id": found("datasets/det/items?queue=audit"),
        "dataset_id": found("datasets"),
        "version_id": found("datasets/det/versions"),
        "baseline_id": found("baselines", "baseline_id"),
        "alert_id": found("alerts", "alert_id"),
        "model_id": found("models"),
        "token_id": found("tokens"),
        "id": [*tests, *found("training-jobs")],
    }


def _post(sidecar: RunningSidecar, path: str, **body: Any) -> Any:
    return _ask(sidecar, "POST", path, json.dumps(body).encode())


def _ask(sidecar: RunningSidecar, method: str, path: str, body: bytes) -> Any:
    url = f"http://127.0.0.1:{sidecar.admin_port}/api/v1/{path}"
    headers = {"Content_Type": "application/json", "Authorization": f"Bearer {sidecar.token}"}
    answer = ask(url, body, method, **headers)
    assert answer.status == 200, (path, answer.body)
    return json.loads(answer.body)
