"""Baselines and drift through the client, against the real application."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sidecar.client import AsyncClient, Client, ConnectionFailed, InvalidRequest, NotFound
from tests.api.live_watch import LiveWatch
from tests.client.generate_records import SCORES

PERIODS = {"reference_period": "2024-01-01:2024-01-31", "current_period": "2024-02-01:2024-02-28"}


def test_drift_is_checked_as_the_guide_writes_it(live: Client) -> None:
    """The report of the guide's call prints as the guide prints it."""
    report = live.check_drift(model_id="det", **PERIODS)
    assert f"{report['class_drift']:.3f} {report['confidence_drift']:.3f} {report['count_drift']:.3f}" == (
        "0.312 0.054 0.121"
    )
    assert report["significant_drift"] is True
    assert report.affected_classes[0]["class"] == "bicycle"


def test_score_without_data_is_a_number_that_formats(live: Client, watch: LiveWatch) -> None:
    """null becomes NaN in the report, in its slices and in the checks; p-values stay None."""
    watch.findings |= dict.fromkeys(SCORES)
    report = live.check_drift("det", **PERIODS, by_slice=True)
    check = next(live.drift_checks())
    for found in (report, *report.slices, check.report):
        assert all(f"{found[name]:.3f}" == "nan" for name in SCORES)
    assert report.scores.input.p_value is None


def test_drift_question_passes_on_what_it_is_asked_with(live: Client, watch: LiveWatch) -> None:
    """Every option reaches the sidecar."""
    live.check_drift("det", **PERIODS, slice="cam-1", source="predictions", distributions=True)
    live.check_drift("det", **PERIODS, by_slice=True)
    assert watch.asked == [
        {"source": "predictions", "slice": "cam-1", "by_slice": False, "distributions": True},
        {"source": "auto", "slice": "", "by_slice": True, "distributions": False},
    ]


def test_drift_over_a_period_without_predictions_names_it(live: Client) -> None:
    """The error says which of the two periods is empty."""
    with pytest.raises(InvalidRequest, match="no predictions") as raised:
        live.check_drift("det", "1999-01-01:1999-01-31", "7d")
    assert [fault.field for fault in raised.value.errors] == ["reference_period"]


def test_baseline_is_set_listed_exported_and_deleted(live: Client) -> None:
    """All that is done with a baseline."""
    made = live.set_baseline("det", "2024-01-01:2024-01-31")
    assert live.baselines() == live.baselines("det@1") == [made]
    assert live.baselines("other") == []
    assert live.get_baseline(made.baseline_id).figures.avg_confidence == 0.81
    assert live.export_baseline(made.baseline_id).blocks[0].level == "day"
    with pytest.raises(InvalidRequest, match="default") as raised:
        live.set_baseline("det", "7d")
    assert raised.value.status == 409
    assert live.set_baseline("det", "7d", replace=True).name == "default"
    assert live.delete_baseline(made.baseline_id).baseline_id == made.baseline_id
    with pytest.raises(NotFound):
        live.get_baseline(made.baseline_id)


def test_comparison_may_take_longer_than_the_clients_own_timeout() -> None:
    """An answer that takes longer than ``timeout_s`` fails a quick call, not a comparison."""

    given_up = threading.Event()

    class Slow(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if "/drift" in self.path:
                time.sleep(0.6)
            else:
                given_up.wait(30)  # longer than the client waits, however slow the machine is
            body = b'{"class_drift": 0.5}'
            with contextlib.suppress(OSError):  # who did not wait has gone
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        with Client(f"http://127.0.0.1:{server.server_port}", timeout_s=0.2, sleep=lambda _: None) as client:
            assert client.check_drift("det", **PERIODS).class_drift == 0.5
            with pytest.raises(ConnectionFailed):
                client.status()
    finally:
        given_up.set()
        server.shutdown()
        thread.join()
        server.server_close()


async def test_async_client_does_the_same(url: str, watch: LiveWatch) -> None:
    """The asyncio client compares, and reads what the monitor found."""
    watch.findings["input_drift"] = None
    async with AsyncClient(url) as client:
        assert math.isnan((await client.check_drift("det", **PERIODS)).input_drift)
        assert [check.slice async for check in client.drift_checks(slice="cam-1")] == ["cam-1"]
