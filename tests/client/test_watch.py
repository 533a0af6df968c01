"""Baselines, drift and alerts through the client, against the real application."""

from __future__ import annotations

import ast
import contextlib
import inspect
import math
import re
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sidecar.client import AsyncClient, Client, ConnectionFailed, InvalidRequest, NotFound, Record, SidecarError
from sidecar.client.calls import Call, retry_delay_s
from sidecar.client.calls_watch import SCORES, SLOW_TIMEOUT_S, check_drift
from tests.api.live_watch import LiveWatch

API_PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
CONDITION = {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1h"}
PERIODS = {"reference_period": "2024-01-01:2024-01-31", "current_period": "2024-02-01:2024-02-28"}


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


async def test_async_client_does_the_same(url: str, watch: LiveWatch) -> None:
    """The asyncio client creates, reads and compares."""
    watch.findings["input_drift"] = None
    async with AsyncClient(url) as client:
        made = await client.create_alert("det", "Low", CONDITION)
        assert [alert.id for alert in await client.alerts()] == [made.id]
        assert len([item async for item in client.alert_transitions(limit=2)]) == 3
        assert math.isnan((await client.check_drift("det", **PERIODS)).input_drift)
        assert [check.slice async for check in client.drift_checks(slice="cam-1")] == ["cam-1"]
        with pytest.raises(InvalidRequest):
            await client.acknowledge_alert(made.id, by="ann")


def test_comparison_may_take_longer_than_the_clients_own_timeout() -> None:
    """An answer that takes longer than ``timeout_s`` fails a quick call, not a comparison."""

    class Slow(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(0.6)
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
        server.shutdown()
        thread.join()
        server.server_close()


def test_slow_call_that_timed_out_is_not_made_again() -> None:
    """A sidecar that is still comparing is not asked to compare twice at once."""
    call: Call[Record] = check_drift({})
    assert call.timeout_s == SLOW_TIMEOUT_S
    assert retry_delay_s(call, 1, None, None, timed_out=True) is None
    assert retry_delay_s(call, 1, 503, None) == 0.1


def test_documentation_names_every_method() -> None:
    """docs/api.md shows each call of the client by its name."""
    page = API_PAGE.read_text()
    methods = [name for name, _ in inspect.getmembers(Client, inspect.isfunction) if name[0] != "_" and name != "close"]
    assert [name for name in methods if f"`{name}(" not in page] == []


def documented_calls() -> list[str]:
    """The first column of the table of calls on docs/api.md, a call each."""
    table = API_PAGE.read_text().split("| call | what it gives |")[1].split("\n\n")[0]
    rows = [line.split(" | ")[0] for line in table.splitlines()[2:]]
    return [call for row in rows for call in re.findall(r"`(\w+\(.*?\))`", row)]


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize("call", documented_calls())
def test_documented_call_is_one_that_can_be_made(client: type[Any], call: str) -> None:
    """Whatever stands in the table binds to the method, by place and by name."""
    made = ast.parse(call, mode="eval").body
    assert isinstance(made, ast.Call)
    assert isinstance(made.func, ast.Name)
    names = [ast.unparse(argument) for argument in made.args]
    named = {keyword.arg: keyword.value for keyword in made.keywords if keyword.arg}
    signature = inspect.signature(getattr(client, made.func.id))
    signature.bind(None, *names, *named)
    signature.bind(None, **dict.fromkeys([*names, *named]))
    assert list(signature.parameters)[1 : 1 + len(names) + len(named)] == [*names, *named]
    for name, default in named.items():
        assert signature.parameters[name].default == ast.literal_eval(default)


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
