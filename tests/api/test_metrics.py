"""The Prometheus page, judged by promtool where there is one."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp.test_utils import TestClient
from prometheus_client.parser import text_string_to_metric_families

from sidecar.api import MetricsCollector, Services
from sidecar.api.metrics import CLASSES_MAX, VERSIONS_MAX, latency_buckets
from sidecar.app.loop import Loop
from sidecar.summaries import ExponentialHistogram, Summary
from sidecar.types import Detections, Prediction, RequestCounts, latency_index
from tests.api.exposing import CONDITION, expose_all, exposed
from tests.api.live import LiveTotals
from tests.api.live_watch import LiveWatch
from tests.kit.trials_at_hand import TrialsAtHand

Http = TestClient[Any, Any]
HOSTILE = ('quo"te', "back\\slash", "new\nline", "nul\x00", "\ud800", '{le="1"} 5', "", "é" * 500, "<script>", "other")
METRICS_PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"


def of_classes(template: Prediction, counts: dict[str, int]) -> Summary:
    """A Summary with so many detections of each class."""
    classes = np.repeat(np.arange(len(counts), dtype=np.int32), list(counts.values()))
    boxes = np.tile(np.array([[0, 0, 5, 5]], np.float32), (len(classes), 1))
    found = Detections(boxes, np.full(len(classes), 0.75, np.float32), classes, tuple(counts))
    summary = Summary()
    summary.add_predictions([replace(template, detections=found)])
    return summary


def samples_of(page: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of a page by its name and labels; parsing checks the format."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


def set_totals(services: Services, totals: dict[tuple[str, str, str], Summary]) -> None:
    assert isinstance(services.totals, LiveTotals)
    services.totals.by_key = totals


@pytest.fixture
async def template(services: Services) -> Prediction:
    """A stored prediction to change."""
    found = await services.reader.prediction("p0")
    assert found is not None
    return found


async def test_promtool_finds_nothing_wrong_with_hostile_names(
    services: Services, template: Prediction, watch: LiveWatch
) -> None:
    """Names that try to break out of a label make a page that promtool accepts without a word."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is missing; Debian's package `prometheus` has it")
    set_totals(
        services,
        {(name, name, "serving"): of_classes(template, dict.fromkeys(HOSTILE, 2)) for name in HOSTILE}
        | dict(services.totals.summaries()),
    )
    for name in HOSTILE:
        alert = await watch.create_alert("det", name, CONDITION, [], "", True)
        watch.kept_alerts[alert["alert_id"]]["model_id"] = name
    watch.drift = dict.fromkeys(((name, name, name, "class") for name in HOSTILE), 0.1)
    page, _ = MetricsCollector(services).page("")
    command = [promtool, "check", "metrics"]
    done = await asyncio.to_thread(subprocess.run, command, input=page, capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


async def test_page_says_what_was_counted(http: Http) -> None:
    """The figures of the totals stand on the page."""
    answer = await http.get("/metrics")
    found = samples_of(await answer.read())
    model = (("model", "det"), ("role", "serving"), ("version", "1"))
    assert found["sidecar_requests_total", tuple(sorted((*model, ("status", "200"))))] == 5
    assert found["sidecar_predictions_total", model] == 4
    assert found["sidecar_detections_total", tuple(sorted((*model, ("class", "cat"))))] == 4
    assert found["sidecar_undecodable_total", tuple(sorted((*model, ("reason", "not_json"))))] == 1
    assert found["sidecar_prediction_confidence_count", model] == 8
    assert found["sidecar_prediction_confidence_sum", model] == pytest.approx(4 * 1.5, abs=0.0801)
    assert found["sidecar_request_duration_seconds_sum", model] == pytest.approx(0.06)
    assert found["sidecar_dropped_total", (("reason", "full"), ("stage", "tap"))] == 3
    assert found["sidecar_limit_hits_total", (("limit", "shadow_in_flight_max"),)] == 7
    assert found["sidecar_upstream_up", (("upstream", "a"),)] == 1
    assert found["sidecar_worker_connections", (("worker", "0"),)] == 3
    assert found["sidecar_worker_connections_max", (("worker", "0"),)] == 448
    assert found["sidecar_process_cpu_seconds_total", (("process", "worker-0"),)] == 1.5
    assert found["sidecar_process_resident_bytes", (("process", "monitor"),)] > 1e6
    assert found["sidecar_build_info", (("version", "0.1.0"),)] == 1


def test_latency_buckets_agree_with_counting_by_hand() -> None:
    """At every edge the cumulative count is that of the measurements at or below it, edges themselves included."""
    rng = np.random.default_rng(1)
    latencies_ms = [*np.exp(rng.normal(3, 2, 500)).tolist(), *(2.0**exponent for exponent in range(-1, 17)), 1e6]
    counts: dict[int, int] = {}
    for latency_ms in latencies_ms:
        counts[latency_index(latency_ms)] = counts.get(latency_index(latency_ms), 0) + 1
    for edge, cumulative in latency_buckets(ExponentialHistogram(counts)):
        assert cumulative == sum(latency_ms <= float(edge) * 1000 for latency_ms in latencies_ms), edge


async def test_counters_never_fall_while_classes_overflow(services: Services, template: Prediction) -> None:
    """A class that is shown stays shown, one that came too late stays in other, and no counter goes down."""
    collector = MetricsCollector(services)
    rng = np.random.default_rng(2)
    total, before = Summary(), {}
    for step in range(12):
        names = [f"class {number}" for number in rng.integers(0, 10 * (step + 1), 30)]
        total = total.merge(of_classes(template, {name: int(rng.integers(1, 9)) for name in names}))
        set_totals(services, {("det", "1", "serving"): total})
        page, _ = collector.page("")
        now = {
            key: value for key, value in samples_of(page).items() if key[0].endswith(("_total", "_bucket", "_count"))
        }
        assert all(now[key] >= value for key, value in before.items())
        shown = [key for key in now if key[0] == "sidecar_detections_total"]
        assert sum(now[key] for key in shown) == total.detections
        before = now
    assert len(shown) == CLASSES_MAX + 1


async def test_models_invented_by_clients_do_not_grow_the_page_for_ever(services: Services) -> None:
    """Beyond the bound, models count under other and nothing is lost."""
    one = Summary()
    one.add_counts(RequestCounts(0, "m", "1", "serving", "", 0, "", 1, {200: 1}))
    set_totals(services, {(f"model {number}", "1", "serving"): one for number in range(VERSIONS_MAX + 50)})
    found = samples_of(MetricsCollector(services).page("")[0])
    requests = {key: value for key, value in found.items() if key[0] == "sidecar_requests_total"}
    assert len(requests) == VERSIONS_MAX + 1
    assert sum(requests.values()) == VERSIONS_MAX + 50


async def test_open_metrics_is_given_where_asked_for(http: Http) -> None:
    """Prometheus may negotiate OpenMetrics."""
    answer = await http.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert (await answer.text()).endswith("# EOF\n")


async def test_metrics_page_lists_exactly_what_is_exposed(
    services: Services, watch: LiveWatch, trials: TrialsAtHand, loop: Loop
) -> None:
    """docs/metrics.md names every metric with its labels, and no other."""
    await expose_all(services, watch, trials, loop)
    listed = {
        match[1]: (match[2], set(re.findall(r"`(\w+)`", match[3])))
        for match in re.finditer(r"^\| `(\w+)` \| (\w+) \|([^|]*)\|", METRICS_PAGE.read_text(), re.MULTILINE)
    }
    assert listed == exposed(services)
