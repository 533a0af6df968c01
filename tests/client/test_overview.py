"""The overview and events, of a real HTTP server whose answers the test writes."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isnan

from sidecar.client import Client
from tests.client.scripted import Script

NOW = {"requests": 3, "error_rate": None, "avg_confidence": 0.8}


def test_overview_has_figures_that_can_be_formatted(script: Script, client: Client) -> None:
    """What is null is NaN, so that it is a number; the range is asked for as it is given."""
    totals = {"now": NOW, "previous": NOW, "baseline": None, "baseline_id": None}
    script.will_give({"sentence": "Nothing much changed.", "totals": totals, "versions": [], "at": [5]})
    found = client.get_overview(datetime(2026, 1, 1, tzinfo=UTC), model="det@2", compare="previous")
    assert (found.sentence, found.totals.now.requests, found.totals.baseline) == ("Nothing much changed.", 3, None)
    assert isnan(found.totals.now.error_rate)
    asked = script.asked[0][1]
    assert asked == "/api/v1/overview?since=2026-01-01T00%3A00%3A00%2B00%3A00&model=det%402&compare=previous"


def test_events_are_a_list(script: Script, client: Client) -> None:
    """Newest first, as they come."""
    event = {"at": 5.0, "kind": "promoted", "model_id": "det@2", "text": "det@2 was promoted", "id": "new"}
    script.will_give({"items": [event]})
    found = client.events(model="det", kind="promoted", limit=5)
    assert [(item.kind, item.text) for item in found] == [("promoted", "det@2 was promoted")]
    assert script.asked[0][1] == "/api/v1/events?model=det&kind=promoted&limit=5"
