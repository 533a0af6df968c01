"""Tests of versions behind the real API, asked by the real client."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from sidecar.api import Services, create_app
from sidecar.api.idempotency import Once
from sidecar.app.control import Control
from sidecar.app.load import load_config
from sidecar.app.state import load_state
from sidecar.app.trial_asking import Asking
from sidecar.app.trialing import Trialing
from sidecar.app.trials_api import TrialsApi
from sidecar.app.watch_api import WatchApi
from sidecar.app.watching import Watching
from sidecar.client import AsyncClient, Changed, InvalidRequest, NotFound
from sidecar.client.calls_trials import shadow_pairs_page
from sidecar.experiments.lifecycle import Kind, Trial, ramped
from sidecar.recording import Batch, IdempotencyKeys, Reader, Store, SummaryRow
from sidecar.trials import Entry
from sidecar.trials.steward import GUARDRAIL
from sidecar.types import ProxySettings
from tests.api.live import LiveTotals, make_prediction
from tests.app.test_watching import Quiet
from tests.kit.drawing import drawn_summary

NOW = 1_800_000_000.0
HOUR_S = 3_600
UPSTREAMS = [
    {"name": name, "url": f"http://127.0.0.1:{place}", "version": version}
    for place, (name, version) in enumerate((("A", "1"), ("B", "2"), ("C", "3")), 1)
]


@dataclass
class Sidecar:
    """A monitor without workers: ``applied`` has what they were told."""

    client: AsyncClient
    trialing: Trialing
    watching: Watching
    store: Store
    applied: list[ProxySettings]

    async def record(self, trial_id: str, **roles: tuple[str, int, float]) -> None:
        """Whole-epoch summaries of epoch 0: role -> (version, requests, latency_ms)."""
        rows = [
            SummaryRow(0, 0, "det", version, role, trial_id, 0, "", 1, _drawn(place, n, latency_ms))
            for place, (role, (version, n, latency_ms)) in enumerate(roles.items())
        ]
        await self.store.commit(Batch(summaries=rows))


def _drawn(seed: int, n: int, latency_ms: float = 20.0) -> bytes:
    return drawn_summary(np.random.default_rng(seed), n, latency_ms=latency_ms).encode()


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[Sidecar]:
    """One that has seen traffic of the models det and gate, in versions 1 and 2."""
    store, reader = await Store.open(tmp_path), await Reader.open(tmp_path)
    hour = int(NOW) // HOUR_S * HOUR_S - HOUR_S
    rows = [
        SummaryRow(hour, HOUR_S, model, version, "serving", "", 0, "camera-7", 1, _drawn(1, 200))
        for model in ("det", "gate")
        for version in ("1", "2")
    ]
    rows.append(SummaryRow(hour, HOUR_S, "door", "2", "serving", "", 0, "", 1, _drawn(1, 200)))
    await store.commit(Batch(summaries=rows))
    config = load_config(None, {"upstreams": UPSTREAMS, "data_dir": tmp_path})
    applied: list[ProxySettings] = []
    control = Control(config, load_state(tmp_path), applied.append)
    trialing = Trialing(config, store, reader, control, clock=lambda: NOW)
    watching = Watching(config, store, reader, Quiet(), clock=lambda: NOW, stops=trialing.stops)
    await trialing.restore()
    await watching.restore()
    trials = TrialsApi(trialing, Asking(trialing, watching, watching.tell_of_stops))
    services = Services(reader, LiveTotals(), control, WatchApi(watching), trials, tmp_path, version="0")
    services.once = Once(IdempotencyKeys(store), time.time)
    runner = web.AppRunner(create_app(services), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with AsyncClient(f"http://127.0.0.1:{runner.addresses[0][1]}") as client:
        yield Sidecar(client, trialing, watching, store, applied)
    await runner.cleanup()
    await watching.close()
    await reader.close()
    await store.close()


def faults(error: InvalidRequest) -> list[str]:
    return [fault.field for fault in error.errors]


async def test_guides_test_runs_as_written(sidecar: Sidecar) -> None:
    """Created it runs; its results format before any traffic, and after."""
    test = await sidecar.client.create_ab_test(
        name="Detection Model Comparison",
        model_a_id="det@1",
        model_b_id="det@2",
        config={"traffic_split": 0.1, "metrics": ["confidence", "latency", "feedback_score"], "duration_days": 7},
    )
    assert (test.id, test.status, test.ends_at) == ("detection-model-comparison", "running", NOW + 7 * 86_400)
    (split,) = sidecar.applied[-1].experiments
    assert (split.control, split.treatments, split.shares, split.model) == ("A", ("B",), (0.1,), "det")
    results = await sidecar.client.get_ab_test_results(test.id)
    assert f"{results['model_a']['avg_confidence']:.3f} {results['p_value']:.4f}" == "nan 1.0000"
    await sidecar.record(test.id, control=("1", 4_500, 20.0), treatment=("2", 500, 20.0))
    results = await sidecar.client.get_ab_test_results(test.id)
    assert (results.model_a.id, results.model_a.n, results.model_b.n) == ("det@1", 4_500, 500)
    assert results.model_a.avg_confidence == pytest.approx(0.7, abs=0.01)
    assert results.srm.ok
    assert results.verdict == "no_difference_yet"


async def test_history_and_pairs_come_over_the_real_api(sidecar: Sidecar) -> None:
    """The last point of an A/B test is its results; a shadow test's pairs are what is recorded of both versions."""
    test = await sidecar.client.create_ab_test("one", "det@1", "det@2", {"traffic_split": 0.5, "metrics": ["latency"]})
    await sidecar.record(test.id, control=("1", 500, 20.0), treatment=("2", 500, 20.0))
    rows = [
        SummaryRow(int(NOW), 10, "det", version, role, test.id, 0, "", 1, _drawn(place, 500))
        for place, (role, version) in enumerate((("control", "1"), ("treatment", "2")))
    ]
    await sidecar.store.commit(Batch(summaries=rows))
    (point,) = (await sidecar.client.get_ab_test_history(test.id)).comparisons[0].metrics.latency.points
    shown = (await sidecar.client.get_ab_test_results(test.id)).metrics.latency
    assert [point.difference, point.low, point.high] == [shown.difference, *shown.confidence_sequence]
    await sidecar.client.stop_ab_test(test.id)
    shadow = await sidecar.client.create_shadow_test("two", "det@1", "det@2")
    of_both = {"model": "det", "experiment": shadow.id, "at": NOW + 1}
    for n in range(3):
        answers = [
            make_prediction(n, prediction_id=f"r{n}", request_id=f"r{n}", version="1", role="serving", **of_both),
            make_prediction(
                n, prediction_id=f"r{n}-shadow", request_id=f"r{n}-shadow", version="2", role="shadow", **of_both
            ),
        ]
        await sidecar.store.commit(Batch(answers))
    pairs = await sidecar.client.shadow_pairs(shadow.id, limit=2).take()
    assert [pair.request_id for pair in pairs] == ["r2", "r1", "r0"]
    assert {pair.b.prediction_id for pair in pairs} == {"r0-shadow", "r1-shadow", "r2-shadow"}
    assert all(pair.agree for pair in pairs)
    with pytest.raises(InvalidRequest) as raised:
        await sidecar.client._run(shadow_pairs_page(shadow.id, {"cursor": "nowhere"}))
    assert faults(raised.value) == ["cursor"]
    assert (await sidecar.client.get_shadow_test_history(shadow.id)).points == []


async def test_what_is_slow_is_controls_95th_percentile_of_the_last_day(sidecar: Sidecar) -> None:
    """Frozen at the start; unknown where control has not answered."""
    await sidecar.client.create_ab_test("one", "det@1", "det@2", {"traffic_split": 0.1})
    await sidecar.client.create_ab_test("two", "door@1", "door@2", {"traffic_split": 0.1, "metrics": ["slow_rate"]})
    edges = {entry.trial.trial_id: entry.trial.slow_edge_ms for entry in sidecar.trialing.book.all()}
    assert edges["one"] is not None
    assert edges["one"] > 20.0
    assert edges["two"] is None
    warnings = (await sidecar.client.ab_test("two")).warnings
    assert [text.split(":")[0] for text in warnings] == ["What counts as slow is not known yet"]


@pytest.mark.parametrize("action", ["ramp", "stop", "conclude", "promote"])
async def test_edit_is_refused_where_a_guardrail_acts_right_before_it(
    sidecar: Sidecar, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """Compared is what the change is made to: it does not give traffic back to a treatment that was just stopped."""
    config = {"traffic_split": 0.2, "treatments": ["det@3"]}
    test = await sidecar.client.create_ab_test("t", "det@1", "det@2", config)
    change = sidecar.trialing.book.change

    async def later(kind: Kind, trial_id: str, step: Callable[[Trial, float], Trial]) -> Entry:
        monkeypatch.undo()
        await change(kind, trial_id, lambda trial, now: ramped(trial, (0.0, 0.1), now, GUARDRAIL))
        return await change(kind, trial_id, step)

    monkeypatch.setattr(sidecar.trialing.book, "change", later)
    given = {"traffic_split": 0.5} if action == "ramp" else {}
    with pytest.raises(Changed):
        await getattr(sidecar.client, f"{action}_ab_test")(test.id, **given, if_match=test.etag)
    present = await sidecar.client.ab_test(test.id)
    assert (present.status, present.promoted) == ("running", None)
    assert [variant.share for variant in present.variants] == [0.9, 0.0, 0.1]
    ramp = await sidecar.client.ramp_ab_test(test.id, 0.3, if_match=present.etag)
    assert ramp.traffic_split == pytest.approx(0.3)


async def test_model_a_is_what_serves(sidecar: Sidecar) -> None:
    """A test takes nothing from it but the treatments' shares: swapped ids are refused, after a promotion too."""
    with pytest.raises(InvalidRequest, match="'det@2' does not serve now, det@1 does") as caught:
        await sidecar.client.create_ab_test("t", "det@2", "det@1", {"traffic_split": 0.1})
    assert faults(caught.value) == ["model_a_id"]
    test = await sidecar.client.create_ab_test("t", "det@1", "det@2", {"traffic_split": 0.1})
    assert test.serving == "det@1"
    assert (await sidecar.client.promote_ab_test("t")).serving == "det@2"
    with pytest.raises(InvalidRequest, match="'A' does not serve now, B does"):
        await sidecar.client.create_ab_test("all", "A", "C", {"traffic_split": 0.1})
    again = await sidecar.client.create_ab_test("u", "det@2", "det@3", {"traffic_split": 0.1})
    stopped = await sidecar.client.stop_ab_test(again.id)
    assert (stopped.serving, sidecar.applied[-1].production) == ("det@2", (("det", "B"),))


@pytest.mark.parametrize(
    ("a", "b", "config", "fields"),
    [
        ("det@1", "nope@2", {"traffic_split": 0.1}, ["model_b_id"]),
        ("nope", "det@9", {"traffic_split": 1.5}, ["model_a_id", "model_b_id", "config.traffic_split"]),
        ("det@1", "gate@2", {"traffic_split": 0.1}, ["model_b_id"]),
        ("det@1", "det@1", {"traffic_split": 0.1}, ["model_b_id"]),
        ("det@1", "det@2", {}, ["config.traffic_split"]),
        ("det@1", "det@2", {"traffic_split": 0.1, "metrics": ["mAP"]}, ["config.metrics"]),
        ("det@1", "det@2", {"traffic_split": 0.1, "notify": ["pigeon"]}, ["config.notify"]),
        (
            "det@1",
            "det@2",
            {"treatments": ["det@3"], "traffic_split": {"det@2": 0.6, "det@3": 0.5}},
            ["config.traffic_split"],
        ),
        ("det@1", "det@2", {"treatments": ["det@7"], "traffic_split": {"det@2": 0.1}}, ["config.treatments"]),
        ("det@1", "det@2", {"split": 0.1, "traffic_split": 0.1}, ["config.split"]),
    ],
)
async def test_what_cannot_be_is_told_whole_and_begins_nothing(
    sidecar: Sidecar, a: str, b: str, config: dict[str, Any], fields: list[str]
) -> None:
    """Every fault at once, each with its field."""
    told = len(sidecar.applied)
    with pytest.raises(InvalidRequest) as caught:
        await sidecar.client.create_ab_test("t", a, b, config)
    assert faults(caught.value) == fields
    assert (len(sidecar.applied), await sidecar.client.ab_tests()) == (told, [])
    assert await sidecar.trialing.rows.all() == []


async def test_a_second_test_is_refused_naming_the_first(sidecar: Sidecar) -> None:
    """Of either kind."""
    await sidecar.client.create_ab_test("one", "det@1", "det@2", {"traffic_split": 0.1})
    with pytest.raises(InvalidRequest, match="'one' is running on 'det'"):
        await sidecar.client.create_ab_test("two", "det", "C", {"traffic_split": 0.1})
    with pytest.raises(InvalidRequest, match="'one' is running on 'det'"):
        await sidecar.client.create_shadow_test("two", "det", "det@2")


async def test_a_test_goes_through_its_life(sidecar: Sidecar) -> None:
    """Each change is answered with the test as it is now, and workers follow it."""
    client = sidecar.client
    await client.create_ab_test("one", "det@1", "det@2", {"traffic_split": 0.1})
    assert (await client.pause_ab_test("one", "a holiday")).epochs[-1].reason == "a holiday"
    assert sidecar.applied[-1].experiments[0].shares == (0.0,)
    with pytest.raises(InvalidRequest, match="it can't pause"):
        await client.pause_ab_test("one")
    assert (await client.resume_ab_test("one")).traffic_split == 0.1
    assert (await client.ramp_ab_test("one", 0.5)).epochs[-1].shares == {"A": 0.5, "B": 0.5}
    with pytest.raises(InvalidRequest) as caught:
        await client.ramp_ab_test("one", 1.0)
    assert faults(caught.value) == ["traffic_split"]
    with pytest.raises(InvalidRequest) as caught:
        await client.conclude_ab_test("one", winner="det@3")
    assert faults(caught.value) == ["winner"]
    ended = await client.conclude_ab_test("one", winner="det@2", note="clear enough")
    assert (ended.status, ended.decision) == ("concluded", {"winner": "B", "note": "clear enough"})
    assert (sidecar.applied[-1].experiments, sidecar.applied[-1].production) == ((), ())
    served = await client.promote_ab_test("one", "det@2")
    assert (served.promoted, sidecar.applied[-1].production) == ("det@2", (("det", "B"),))
    assert [test.id for test in await client.ab_tests("det@2", status="concluded")] == ["one"]
    assert await client.ab_tests("gate") == []
    with pytest.raises(NotFound):
        await client.shadow_test("one")


async def test_several_treatments_have_shares_by_model_id(sidecar: Sidecar) -> None:
    """Shares may be told by model id or by upstream; control's is the rest."""
    config = {"treatments": ["det@3"], "traffic_split": {"det@2": 0.1, "C": 0.2}}
    test = await sidecar.client.create_ab_test("three", "det@1", "det@2", config)
    assert {variant.id: variant.share for variant in test.variants} == {"det@1": 0.7, "det@2": 0.1, "det@3": 0.2}
    test = await sidecar.client.ramp_ab_test("three", {"det@2": 0.2, "det@3": 0.4})
    assert sidecar.applied[-1].experiments[0].shares == (0.2, 0.4)
    results = await sidecar.client.get_ab_test_results("three")
    assert [comparison.variant for comparison in results.comparisons] == ["B", "C"]


async def test_a_stop_by_a_guardrail_fires_an_alert(sidecar: Sidecar) -> None:
    """The test's own channels are told by an alert of its own; what one still needs is a warning."""
    config = {"traffic_split": 0.5, "notify": "slack:#ml"}
    test = await sidecar.client.create_ab_test("one", "det@1", "det@2", config)
    assert any("slack" in warning for warning in test.warnings)
    (alert,) = await sidecar.client.alerts()
    assert (alert.name, alert.model_id, alert.notify) == ("Guardrail stop: one", "det", ["slack:#ml"])
    await sidecar.record("one", control=("1", 3_000, 20.0), treatment=("2", 3_000, 60.0))
    await sidecar.trialing.steward.round()
    stopped = await sidecar.client.ab_test("one")
    assert (stopped.status, stopped.reason[: len(GUARDRAIL)]) == ("stopped", GUARDRAIL)
    await sidecar.watching.rounds.round()
    (fired,) = await sidecar.client.alerts()
    assert fired.state == "firing"
    assert "B: latency is surely over 1.1 times" in fired.sentence


async def test_a_shadow_test_goes_through_its_life(sidecar: Sidecar) -> None:
    """It is compared with what serves, and serves once promoted."""
    client = sidecar.client
    test = await client.create_shadow_test("Copy", "det", "det@2", {"share": 0.5})
    assert (test.shadow.id, test.share, sidecar.applied[-1].shadows[0].share) == ("det@2", 0.5, 0.5)
    report = await client.get_shadow_test_results("copy")
    assert (report.a, report.b, report.counts.images) == ("det@1", "det@2", 0)
    assert isnan(report.agreement.image_rate)
    assert (await client.ramp_shadow_test("copy", 1.0)).share == 1.0
    await client.pause_shadow_test("copy")
    assert sidecar.applied[-1].shadows == ()
    await client.resume_shadow_test("copy")
    promoted = await client.promote_shadow_test("copy")
    assert (promoted.status, sidecar.applied[-1].production) == ("concluded", (("det", "B"),))
    assert sidecar.applied[-1].shadows == ()


@pytest.mark.parametrize(
    ("model", "shadow", "config", "fields"),
    [
        ("det@2", "det@3", {}, ["model_id"]),
        ("det", "det@1", {}, ["shadow_model_id"]),
        ("det", "det@9", {"share": 2}, ["shadow_model_id", "config.share"]),
    ],
)
async def test_a_shadow_test_that_cannot_be_is_told_whole(
    sidecar: Sidecar, model: str, shadow: str, config: dict[str, Any], fields: list[str]
) -> None:
    """What does not serve can't be compared with, nor can a version with itself."""
    with pytest.raises(InvalidRequest) as caught:
        await sidecar.client.create_shadow_test("t", model, shadow, config)
    assert faults(caught.value) == fields
    assert await sidecar.client.shadow_tests() == []


async def test_metrics_tell_of_tests(sidecar: Sidecar) -> None:
    """Shares while they run, statuses always."""
    await sidecar.client.create_ab_test("one", "det@1", "det@2", {"traffic_split": 0.1})
    await sidecar.client.create_shadow_test("copy", "gate", "gate@2")
    figures = sidecar.trialing.figures()
    assert figures["active"] == [
        ("one", "ab", "det", "det@1", 0.9),
        ("one", "ab", "det", "det@2", 0.1),
        ("copy", "shadow", "gate", "gate@2", 0.1),
    ]
    assert (figures["statuses"], figures["pairs"]) == ({"running": 2}, {"copy": 0})
