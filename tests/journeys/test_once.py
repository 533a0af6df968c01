"""POSTs under a key and tags of what people edit, through real processes that are killed on the way."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.kit.sidecar import Answer, RunningSidecar, ask, running_sidecar, wait_for

ModelServer = Callable[[str], str]
CONDITION = {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1h"}
TAGGED = ("alerts/{alert}", "data-engines/det", "ab-tests/try")


class SlowReceiver:
    """A webhook receiver that answers nobody before ``may_answer``."""

    def __init__(self) -> None:
        self.asked, self.may_answer = threading.Event(), threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked.set()
                outer.may_answer.wait(300)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[SlowReceiver]:
    """One that is shut down afterwards."""
    made = SlowReceiver()
    yield made
    made.may_answer.set()
    made.server.shutdown()
    made.server.server_close()


def post(sidecar: RunningSidecar, path: str, key: str, **body: Any) -> Answer:
    """A POST under a key."""
    url = f"http://127.0.0.1:{sidecar.admin_port}/api/v1/{path}"
    content = json.dumps(body).encode() if body else b""
    return ask(url, content, Content_Type="application/json", Idempotency_Key=key)


def tags(sidecar: RunningSidecar, alert: str) -> list[str]:
    """The tags of one thing of each kind, as their GETs give them."""
    return [sidecar.api(f"/api/v1/{path.format(alert=alert)}")["etag"] for path in TAGGED]


def test_killed_monitor_neither_forgets_an_answer_nor_does_again_what_it_had_begun(
    tmp_path: Path, model_server: ModelServer, receiver: SlowReceiver
) -> None:
    """What was answered is answered alike by the next life; of what was at work it is said that nobody knows. Tags are
    those of before."""
    file = tmp_path / "sidecar.yaml"
    one, two = model_server("one"), model_server("two")
    file.write_text(
        f"upstreams: [{{name: A, url: '{one}', version: '1'}}, {{name: B, url: '{two}', version: '2'}}]\n"
        "notify:\n"
        f"  webhooks: [{{name: pager, url: 'http://127.0.0.1:{receiver.server.server_port}/in'}}]\n"
        "  allowed_hosts: [127.0.0.1]\n"
    )
    with running_sidecar(tmp_path, ["--config", str(file)]) as sidecar, ThreadPoolExecutor(1) as elsewhere:
        alert = {"model_id": "det", "name": "Low", "condition": CONDITION, "notify": ["webhook:pager"]}
        made = post(sidecar, "alerts", "k1", **alert)
        assert made.status == 200
        alert_id = json.loads(made.body)["id"]
        split = {"config": {"traffic_split": 0.1}}
        begun = post(sidecar, "ab-tests", "k2", name="Try", model_a_id="det@1", model_b_id="det@2", **split)
        assert begun.status == 200, begun.body
        rules = json.dumps({"config": {"random_sample": {"rate": 0.5}}}).encode()
        url = f"http://127.0.0.1:{sidecar.admin_port}/api/v1/data-engines/det"
        assert ask(url, rules, "PUT", Content_Type="application/json").status == 200
        before = tags(sidecar, alert_id)

        at_work = elsewhere.submit(post, sidecar, f"alerts/{alert_id}/test", "k3")
        assert receiver.asked.wait(90)
        (monitor,) = sidecar.pids("sidecar: monitor")
        os.kill(monitor, signal.SIGKILL)
        assert isinstance(at_work.exception(90), OSError)
        receiver.asked.clear()
        wait_for(lambda: sidecar.pids("sidecar: monitor") not in ([], [monitor]), what="the monitor's next life")
        wait_for(lambda: sidecar.api("/api/v1/status"), what="its API")

        again = post(sidecar, "alerts", "k1", **alert)
        assert (again.status, again.body) == (200, made.body)
        assert (again.headers["Idempotent-Replay"], again.headers["ETag"]) == ("true", made.headers["ETag"])
        assert post(sidecar, "alerts", "k1", **{**alert, "name": "High"}).status == 422
        unknown = post(sidecar, f"alerts/{alert_id}/test", "k3")
        assert (unknown.status, b"not known" in unknown.body) == (409, True)
        assert not receiver.asked.is_set()
        assert tags(sidecar, alert_id) == before
        assert sidecar.metric('sidecar_idempotency_keys_total{outcome="unknown"}') == 1
