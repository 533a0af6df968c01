"""What watches, put together, behind the real API and asked by the real client."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from sidecar.api import Services, create_app
from sidecar.api.idempotency import Once
from sidecar.app.load import load_config
from sidecar.app.watch_api import WatchApi
from sidecar.app.watching import Watching, notify_settings
from sidecar.client import AsyncClient, InvalidRequest, NotFound
from sidecar.recording import IdempotencyKeys, NotificationRow, Reader, Store
from sidecar.recording.notifications import queue
from tests.api.live import LiveControl, LiveTotals
from tests.kit.trials_at_hand import TrialsAtHand
from tests.watch.room import DAY_S, MONDAY, Past

NOW = MONDAY + 62 * DAY_S
MAIL = "email:team@company.com"
LOW = {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1h"}


class Quiet:
    """A sidecar that loses nothing and sees no traffic."""

    def lost(self) -> int:
        return 0

    def waiting(self) -> int:
        return 0

    def answering(self) -> set[str]:
        return set()


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[AsyncClient]:
    """A client of a sidecar that has recorded two months, of which the second differs."""
    store = await Store.open(tmp_path)
    reader = await Reader.open(tmp_path)
    past, rng = Past(store), np.random.default_rng(10)
    for day in range(60):
        past.add_day(day, rng, (4, 3, 2, 0.1) if day < 31 else (1, 3, 2, 3))
    await past.write()
    config = load_config(None, {"upstreams": [{"name": "A", "url": "http://127.0.0.1:1"}], "data_dir": tmp_path})
    watching = Watching(config, store, reader, Quiet(), clock=lambda: NOW)
    await watching.restore()
    services = Services(reader, LiveTotals(), LiveControl(), WatchApi(watching), TrialsAtHand(), tmp_path, version="0")
    services.once = Once(IdempotencyKeys(store), time.time)
    runner = web.AppRunner(create_app(services), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with AsyncClient(f"http://127.0.0.1:{runner.addresses[0][1]}") as asked:
        yield asked
    await runner.cleanup()
    await watching.close()
    await reader.close()
    await store.close()


async def test_guides_drift_question_runs_as_written(client: AsyncClient) -> None:
    """The report answers to keys with figures that format, and names what moved, most first."""
    report = await client.check_drift(
        model_id="det", reference_period="2024-01-01:2024-01-31", current_period="2024-02-01:2024-02-28"
    )
    shown = f"{report['class_drift']:.3f} {report['confidence_drift']:.3f} {report['count_drift']:.3f}"
    assert re.fullmatch(r"0\.\d{3} 0\.000 0\.000", shown)
    assert report["significant_drift"]
    changes = [abs(row["change"]) for row in report["affected_classes"]]
    assert changes == sorted(changes, reverse=True)
    assert {row["class"] for row in report["affected_classes"]} >= {"car", "kite"}


async def test_guides_alerts_are_created_as_written(client: AsyncClient) -> None:
    """Channels that are not configured are accepted with a warning that says what to set; a test tries them."""
    alert = await client.create_alert(
        model_id="det",
        name="Low Confidence Alert",
        condition=LOW,
        notify=["email:team@company.com", "slack:#ml-alerts"],
    )
    assert [(row.configured, bool(row.warning)) for row in alert.delivery] == [(False, True)] * 2
    latency = await client.create_alert(
        model_id="det",
        name="High Latency Alert",
        condition={"metric": "p99_latency_ms", "operator": "gt", "threshold": 500, "window": "15m"},
    )
    assert latency.notify == []
    assert alert.id != latency.id
    results = await client.test_alert(alert.id)
    assert [(row.channel, row.ok) for row in results] == [
        ("email:team@company.com", False),
        ("slack:#ml-alerts", False),
    ]
    assert "notify.smtp.host" in results[0].error


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"model_id": "nope"}, "model_id"),
        ({"condition": LOW | {"metric": "avg_confidnce"}}, "condition.metric"),
        ({"condition": LOW | {"window": "soon"}}, "condition.window"),
        ({"notify": ["pigeon:home"]}, "notify.0"),
    ],
)
async def test_bad_alert_names_the_field(client: AsyncClient, change: dict[str, Any], field: str) -> None:
    """Nothing is half-created."""
    with pytest.raises(InvalidRequest) as caught:
        await client.create_alert(**({"model_id": "det", "name": "x", "condition": LOW} | change))
    assert [error.field for error in caught.value.errors] == [field]
    assert await client.alerts() == []


async def test_alert_is_edited_silenced_and_deleted(client: AsyncClient) -> None:
    """Each call gives the alert as it is then; what is not there is NotFound; a taken name is refused."""
    alert = await client.create_alert(model_id="det@1", name="a", condition=LOW)
    assert (await client.update_alert(alert.id, name="b")).name == "b"
    await client.create_alert(model_id="det@1", name="c", condition=LOW)
    with pytest.raises(InvalidRequest, match="name: "):
        await client.update_alert(alert.id, name="c")
    assert (await client.end_silence(alert.id)).silenced_until is None
    with pytest.raises(InvalidRequest, match="inactive"):
        await client.acknowledge_alert(alert.id, by="ada")
    await client.delete_alert(alert.id)
    with pytest.raises(NotFound):
        await client.get_alert(alert.id)
    assert [row.name for row in await client.alerts(model_id="det@1")] == ["c"]


async def test_baseline_is_set_listed_replaced_and_exported(client: AsyncClient) -> None:
    """An export holds every block that comparisons use."""
    made = await client.set_baseline("det", "2024-01-01:2024-01-31")
    assert made.figures.images == 31 * 120
    with pytest.raises(InvalidRequest, match="name: "):
        await client.set_baseline("det", "2024-01-01:2024-01-07")
    made = await client.set_baseline("det", "2024-01-01:2024-01-07", replace=True)
    assert [row.baseline_id for row in await client.baselines(model_id="det")] == [made.baseline_id]
    export = await client.export_baseline(made.baseline_id)
    days = [block for block in export.blocks if block.level == "day"]
    assert len(days) == 7
    assert sum(block.summary.images for block in days) == made.figures.images
    report = await client.check_drift("det", reference_period="default", current_period="2024-02-01:2024-02-28")
    assert report.reference.baseline == "default"
    await client.delete_baseline(made.baseline_id)
    assert await client.baselines() == []


async def test_messages_of_a_deleted_alert_are_no_fault(tmp_path: Path) -> None:
    """They may be tried a while longer; nobody could do anything about them but wait."""
    config = load_config(None, {"upstreams": [{"name": "A", "url": "http://127.0.0.1:1"}], "data_dir": tmp_path})
    async with AsyncExitStack() as stack:
        store = await Store.open(tmp_path)
        stack.push_async_callback(store.close)
        reader = await Reader.open(tmp_path)
        stack.push_async_callback(reader.close)
        watching = Watching(config, store, reader, Quiet(), clock=lambda: NOW)
        await watching.restore()
        stack.push_async_callback(watching.close)
        api = WatchApi(watching)
        alert = await api.create_alert("", "Lost", LOW | {"metric": "dropped", "operator": "gt"}, [MAIL], "", True)
        message = NotificationRow(0, alert["id"], None, MAIL, "firing", {}, NOW)
        await store.run(lambda connection: queue(connection, [message]))
        (queued,) = await watching.notifications.open(1)
        await watching.notifications.failed(queued.id, NOW, "no mail server is set", gave_up=False)
        await watching._look_at_notifications()
        assert api.figures()["failing_channels"] == {MAIL: "no mail server is set"}
        await api.delete_alert(alert["id"])
        await watching._look_at_notifications()
        assert api.figures()["failing_channels"] == {}


def test_secrets_of_channels_come_from_files(tmp_path: Path) -> None:
    """The configuration names the files; what they hold is neither in it nor in a repr."""
    password = tmp_path / "password"
    password.write_text("hunter2\n")
    config = load_config(
        None,
        {
            "upstreams": [{"name": "A", "url": "http://127.0.0.1:1"}],
            "notify": {
                "smtp": {"host": "mail", "sender": "a@b.c", "username": "u", "password_file": str(password)},
                "webhooks": [{"name": "pager", "url": "https://x/y", "secret_file": str(password)}],
            },
        },
    )
    settings = notify_settings(config.notify)
    assert settings.smtp is not None
    assert (settings.smtp.password, settings.webhooks["pager"].secret) == ("hunter2", "hunter2")
    assert "hunter2" not in repr(settings) + repr(config)
