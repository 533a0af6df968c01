"""Alerts through the client, against the real application."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sidecar.client import AsyncClient, Client, InvalidRequest, NotFound, SidecarError
from tests.api.live_watch import LiveWatch

CONDITION = {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1h"}


def test_alert_is_created_as_the_guide_writes_it(live: Client) -> None:
    """The call of the user's guide works, and warns of the channel that is not configured."""
    alert = live.create_alert(
        model_id="det",
        name="Low Confidence Alert",
        condition={"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1h"},
        notify=["email:team@company.com", "slack:#ml-alerts"],
    )
    assert (alert.id, alert["alert_id"], alert.state) == ("a1", "a1", "inactive")
    assert [item.configured for item in alert.delivery] == [False, True]
    assert live.get_alert(alert.id) == alert


def test_alert_lives_through_all_its_calls(live: Client, watch: LiveWatch) -> None:
    """Found, changed, acknowledged, silenced, tried and deleted."""
    made = live.create_alert("det", "Low", CONDITION, "slack:#ml", slice="cam-1", enabled=False)
    assert (made.notify, made.slice, made.enabled) == (["slack:#ml"], "cam-1", False)
    assert live.update_alert(made.id, name="Lower", enabled=True).name == "Lower"
    watch.fire(made.id)
    assert [alert.id for alert in live.alerts(state="firing")] == [made.id]
    assert live.alerts(model_id="other") == []
    assert live.acknowledge_alert(made.id, by="ann").acknowledged_by == "ann"
    assert live.test_alert(made.id) == [{"channel": "slack:#ml", "ok": True, "error": ""}]
    assert [item.channel for item in live.alert_notifications(made.id)] == ["slack:#ml"]
    assert [item.to_state for item in live.alert_transitions(alert_id=made.id, limit=1)] == [
        "resolved",
        "firing",
        "pending",
    ]
    assert "avg_confidence" in [item.metric for item in live.alert_metrics()]
    assert live.delete_alert(made.id).id == made.id
    with pytest.raises(NotFound):
        live.delete_alert(made.id)


def test_silence_ends_at_a_moment_after_a_while_or_now(live: Client) -> None:
    """A time may be a datetime, text or a number, a length is text; a naive time is refused."""
    made = live.create_alert("det", "Low", CONDITION)
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)
    for moment in (until, until.isoformat(), until.timestamp()):
        assert live.silence_alert(made.id, until=moment).silenced_until == until.timestamp()
    silenced_until = live.silence_alert(made.id, for_="2h", by="ann").silenced_until
    assert silenced_until == pytest.approx(time.time() + 7_200, abs=60)
    assert live.end_silence(made.id).silenced_until is None
    with pytest.raises(InvalidRequest, match="either until or for"):
        live.silence_alert(made.id)
    with pytest.raises(InvalidRequest, match="zone"):
        live.silence_alert(made.id, until=datetime(2199, 1, 1))


def test_all_faults_of_an_alert_are_told(live: Client) -> None:
    """A condition with several faults names each of them."""
    with pytest.raises(InvalidRequest) as raised:
        live.create_alert("det", "Low", {"metric": "mood"}, ["shout"])
    assert [fault.field for fault in raised.value.errors] == [
        "condition.metric",
        "condition.operator",
        "condition.window",
        "notify.0",
    ]


async def test_async_client_does_the_same(url: str) -> None:
    """The asyncio client creates and reads."""
    async with AsyncClient(url) as client:
        made = await client.create_alert("det", "Low", CONDITION)
        assert [alert.id for alert in await client.alerts()] == [made.id]
        assert len([item async for item in client.alert_transitions(limit=2)]) == 3
        with pytest.raises(InvalidRequest):
            await client.acknowledge_alert(made.id, by="ann")


def test_lengths_of_time_may_be_timedeltas(live: Client, watch: LiveWatch) -> None:
    """A window, a ``for`` and a silence are sent as text; a negative one is refused by its field."""
    lengths = {"window": timedelta(hours=1), "for": timedelta(seconds=90)}
    made = live.create_alert("det", "Low", {**CONDITION, **lengths})
    assert (made.condition["window"], made.condition["for"]) == ("1h", "1m30s")
    assert live.update_alert(made.id, condition={**CONDITION, "window": timedelta(days=1)}).condition["window"] == "1d"
    silenced = live.silence_alert(made.id, for_=timedelta(hours=2)).silenced_until
    assert silenced == pytest.approx(time.time() + 7_200, abs=60)
    with pytest.raises(InvalidRequest) as raised:
        live.create_alert("det", "Lower", {**CONDITION, "window": -timedelta(hours=1)})
    assert raised.value.errors[0].field == "condition.window"


@pytest.mark.parametrize("bad", [math.nan, math.inf, {1}, object()])
def test_what_json_can_not_hold_is_an_invalid_request(live: Client, watch: LiveWatch, bad: object) -> None:
    """It names the field, and nothing is sent."""
    with pytest.raises(InvalidRequest) as raised:
        live.create_alert("det", "Low", {**CONDITION, "threshold": bad})
    assert [fault.field for fault in raised.value.errors] == ["condition.threshold"]
    assert watch.kept_alerts == {}


def test_body_that_holds_itself_is_an_invalid_request(live: Client) -> None:
    """No failure of the encoding gets out as something else."""
    condition: dict[str, Any] = dict(CONDITION)
    condition["class"] = condition
    with pytest.raises(InvalidRequest):
        live.create_alert("det", "Low", condition)


def test_every_error_of_the_application_is_one_of_the_clients(live: Client) -> None:
    """What is not there and what can't be are told apart."""
    for ask in (live.get_alert, live.alert_notifications, live.get_baseline, live.test_alert):
        with pytest.raises(SidecarError) as raised:
            ask("nope")
        assert isinstance(raised.value, NotFound)
