"""An alert from traffic to a receiver, through real processes that are killed on the way."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sidecar import Client
from tests.kit.sidecar import RunningSidecar, ask, running_sidecar, wait_for

INFER = "/v2/models/det/infer"
ModelServer = Callable[[str], str]


class Receiver:
    """A webhook receiver that keeps what it is sent; it refuses while ``broken``."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.broken = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not outer.broken:
                    outer.got.append(json.loads(body))
                    outer.ids.append(self.headers["webhook-id"])
                self.send_response(503 if outer.broken else 204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def kinds(self) -> list[str]:
        return [_kind(document) for document in self.got]


def _kind(document: dict[str, Any]) -> str:
    return str(document.get("kind") or document["data"]["kind"])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def _config(folder: Path, upstream: str, receiver: Receiver) -> list[str]:
    file = folder / "sidecar.yaml"
    file.write_text(
        f"upstreams: [{{name: A, url: '{upstream}'}}]\n"
        "models: [{name: '*', independent_images: true}]\n"
        "alerts: {interval: 1s, default_window: 10s, default_for: 0s}\n"
        "drift: {baseline_period: 10s, window: 10s}\n"
        "notify:\n"
        f"  webhooks: [{{name: pager, url: 'http://127.0.0.1:{receiver.server.server_port}/in'}}]\n"
        "  allowed_hosts: [127.0.0.1]\n"
    )
    return ["--config", str(file)]


def _busy(sidecar: RunningSidecar, requests: int = 5) -> None:
    for _ in range(requests):
        ask(sidecar.url(INFER), b"{}", Content_Type="application/json")


def _client(sidecar: RunningSidecar) -> Client:
    return Client(f"http://127.0.0.1:{sidecar.admin_port}")


def test_firing_reaches_its_receiver_once_although_the_monitor_is_killed(
    tmp_path: Path, model_server: ModelServer, receiver: Receiver
) -> None:
    """Told once while the receiver was away, the monitor killed and restarted; its end is told once too."""
    receiver.broken = True
    with (
        running_sidecar(tmp_path, _config(tmp_path, model_server("one"), receiver)) as sidecar,
        _client(sidecar) as client,
    ):
        _busy(sidecar)
        wait_for(lambda: {"model": "det", "version": "A"} in client.model_figures()["recorded"], what="the model")
        alert = client.create_alert(
            "det",
            "Busy",
            {"metric": "request_rate", "operator": "gt", "threshold": 0, "window": "10s"},
            notify=["webhook:pager", "email:team@company.com"],
        )
        assert [row.configured for row in alert.delivery] == [True, False]
        assert "notify.smtp.host" in alert.delivery[1].warning
        wait_for(lambda: _busy(sidecar) or client.get_alert(alert.id).state == "firing", what="the firing")
        wait_for(lambda: _sent(client, alert.id, 1), what="an attempt")
        (monitor,) = sidecar.pids("sidecar: monitor")
        os.kill(monitor, signal.SIGKILL)
        # what the dead one had under way was refused by then: nobody has taken anything
        wait_for(lambda: sidecar.pids("sidecar: monitor") not in ([], [monitor]), what="the monitor's next life")
        wait_for(lambda: sidecar.api("/api/v1/status"), what="its answers")
        receiver.broken = False
        wait_for(lambda: receiver.kinds, what="the notice")
        wait_for(lambda: client.get_alert(alert.id).state == "resolved", what="the end")
        wait_for(lambda: len(receiver.got) == 2, what="the notice of the end")
        assert receiver.kinds == ["firing", "resolved"]
        assert len(set(receiver.ids)) == 2
        path = [row.to_state for row in client.alert_transitions(alert_id=alert.id)]
        assert path[::-1] == ["firing", "resolved"]


def _sent(client: Client, alert_id: str, attempts: int) -> bool:
    return any(row.attempts >= attempts for row in client.alert_notifications(alert_id))


def test_baseline_and_default_alerts_come_by_themselves(
    tmp_path: Path, model_server: ModelServer, receiver: Receiver
) -> None:
    """With traffic and nothing else a model has its rules, then its normal, then a first check, each readable."""
    with (
        running_sidecar(tmp_path, _config(tmp_path, model_server("one"), receiver)) as sidecar,
        _client(sidecar) as client,
    ):
        busy = threading.Event()

        def traffic() -> None:
            while not busy.wait(0.05):
                _busy(sidecar, 1)

        thread = threading.Thread(target=traffic)
        thread.start()
        try:
            wait_for(lambda: len(client.alerts(model_id="det")) == 7, what="the default alerts")
            (baseline,) = wait_for(lambda: client.baselines(model_id="det"), what="the baseline")
            assert (baseline.name, baseline.model_id, baseline.origin) == ("auto", "det@A", "auto")
            assert baseline.figures.detections_per_image == 2
            check = wait_for(lambda: next(iter(client.drift_checks(model_id="det")), None), what="a check")
            assert check.report.verdict == "no_drift"
            report = client.check_drift("det", reference_period="auto", current_period="10s")
            assert f"{report['class_drift']:.3f}" == "0.000"
            # how fast the answers come is the machine's affair
            rules = [row for row in client.alerts(model_id="det") if row.condition.metric != "slow_rate"]
            assert {row.name: row.state for row in rules if row.state != "inactive"} == {}
            assert sidecar.metric("sidecar_alerts") >= 8
        finally:
            busy.set()
            thread.join()
