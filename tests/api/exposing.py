"""An application every metric of which has a series, for what is held against its page of metrics."""

from __future__ import annotations

from dataclasses import replace

from sidecar.api import MetricsCollector, Services
from sidecar.app.loop import Loop
from sidecar.data_engine import Engine, sampling_config
from sidecar.experiments.pairs import PairSummary, pair_request
from tests.api.live import LiveTotals
from tests.api.live_watch import LiveWatch
from tests.kit.trials_at_hand import TrialsAtHand

CONDITION = {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1h"}


async def expose_all(services: Services, watch: LiveWatch, trials: TrialsAtHand, loop: Loop) -> None:
    """Let that happen which shows in metrics: tests, an alert, drift, a limit that was met, faults."""
    template = await services.reader.prediction("p0")
    assert template is not None
    await trials.create_ab_test("try", "det@1", "det@2", {"traffic_split": 0.1})
    await trials.create_shadow_test("behind", "digits", "digits@2", {})
    trials.pairs["behind"] = PairSummary()
    trials.pairs["behind"].add(pair_request([template], [template]))
    alert = await watch.create_alert("det", "low", CONDITION, [], "", True)
    watch.fire(alert["alert_id"])
    rule = {"threshold": 0.99, "sample_rate": 1, "limits": {"per_hour": 0}}
    loop.engine.configure({"det": Engine(sampling_config({"low_confidence": rule}))})
    loop.engine.decide(template)
    await loop.review.create_dataset("Night", None)
    await loop.review.count()
    assert isinstance(services.totals, LiveTotals)
    services.totals.store_state["commit_failures"] = {"full": 1}
    services.totals.failing["retention"] = "OSError: no"
    worker = services.totals.crew[0]
    shown = {"use": "upstream a", "starts_at": 0.0, "expires_at": 4e9, "fault": "", "verifies": True}
    services.totals.crew[0] = replace(worker, status={**worker.status, "tls": [shown]})


def exposed(services: Services) -> dict[str, tuple[str, set[str]]]:
    """Type and labels of every metric on the page, by its name; ``le`` of histograms is not among them."""
    found = {}
    for family in MetricsCollector(services).collect():
        name = family.name + ("_total" if family.type == "counter" else "")
        found[name] = (family.type, {label for sample in family.samples for label in sample.labels} - {"le"})
    return found
