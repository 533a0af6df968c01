"""Live figures over HTTP: the same for all who listen, bounded, and ended with the sidecar."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient

from sidecar.api import Services, handlers_live
from sidecar.api import live as live_figures
from sidecar.api.door import Door
from sidecar.api.schemas_live import Live
from sidecar.recording.files import store_path
from tests.api.live import LiveTotals, make_prediction, make_summary
from tests.api.live_watch import LiveWatch
from tests.api.running import running
from tests.kit.trials_at_hand import TrialsAtHand

Http = TestClient[Any, Any] | aiohttp.ClientSession
URL = "/api/v1/live"


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty ticks a second, so that nobody waits."""
    monkeypatch.setattr(live_figures, "TICK_S", 0.05)
    monkeypatch.setattr(handlers_live, "TICK_S", 0.05)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - a state of the server, of which no event tells
            await asyncio.sleep(0.01)


async def event(answer: aiohttp.ClientResponse) -> tuple[dict[str, str], dict[str, Any]]:
    """The next event with data: its fields, and what the data hold."""
    async with asyncio.timeout(60):
        fields: dict[str, str] = {}
        while True:
            line = (await answer.content.readline()).decode().rstrip("\n")
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "data" in fields:
                return fields, json.loads(fields["data"])


async def listen(http: Http, **params: str) -> aiohttp.ClientResponse:
    answer = await http.get(URL, params=params, timeout=aiohttp.ClientTimeout(90))
    assert answer.status == 200
    return answer


async def test_events_bear_a_name_an_id_and_what_a_browser_needs_to_come_again(http: Http, totals: LiveTotals) -> None:
    """As the standard of server-sent events has them; the data fit the schema."""
    answer = await listen(http)
    assert answer.content_type == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    fields, document = await event(answer)
    assert (fields["event"], fields["retry"]) == ("figures", "2000")
    assert int(fields["id"]) > 0
    shown = Live.model_validate(document)
    assert shown.interval_s == 1.0
    assert [(item.model, item.version, item.requests) for item in shown.models] == [("det", "1", 5)]
    assert shown.dropped == 3
    answer.close()


async def test_all_listeners_get_the_same_figures(http: Http) -> None:
    """Made once: to the byte and the moment the same under one id."""
    seen: list[dict[str, str]] = [{}, {}]
    answers = (await listen(http), await listen(http))
    while len(both := seen[0].keys() & seen[1].keys()) < 2:  # the second may come in some moments after the first
        for answer, found in zip(answers, seen, strict=True):
            fields, _ = await event(answer)
            found[fields["id"]] = fields["data"]
    await http.post("/api/v1/models", json={"name": "silent"})
    other = await listen(http, model="silent")
    assert (await event(other))[1]["models"] == []
    assert [seen[0][number] for number in both] == [seen[1][number] for number in both]


async def test_figures_follow_the_traffic(http: Http, totals: LiveTotals) -> None:
    """What came since is in the next ones, and in the snapshot."""
    answer = await listen(http)
    await event(answer)
    more = make_summary([make_prediction(number) for number in range(7)], "2")
    totals.by_key = {**totals.by_key, ("det", "2", "treatment"): more}
    while len((document := (await event(answer))[1])["models"]) < 2:
        pass
    assert [(item["version"], item["role"], item["requests"]) for item in document["models"]] == [
        ("1", "serving", 5),
        ("2", "treatment", 7),
    ]
    await asyncio.sleep(0.06)
    snapshot = await (await http.get("/api/v1/live/snapshot", params={"model": "det@2"})).json()
    assert [item["version"] for item in snapshot["models"]] == ["2"]
    assert snapshot["interval_s"] is None


async def test_tests_alerts_and_faults_are_told(http: Http, trials: TrialsAtHand, watch: LiveWatch) -> None:
    """Those under way with their shares by version; what is wrong in words."""
    await http.post("/api/v1/models", json={"name": "digits"})
    await trials.create_ab_test("New weights", "det@1", "det@2", {"traffic_split": 0.25})
    await trials.create_shadow_test("Behind", "digits", "digits@3", {"share": 0.5})
    await trials.pause("shadow", "behind", "")
    condition = {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1h"}
    await watch.create_alert("det", "low", condition, [], "", True)
    watch.failing = {"slack:#ml": "404"}
    found = await (await http.get("/api/v1/live/snapshot")).json()
    assert [(item["id"], item["kind"], item["status"], item["model"]) for item in found["tests"]] == [
        ("new-weights", "ab_test", "running", "det"),
        ("behind", "shadow_test", "paused", "digits"),
    ]
    assert found["tests"][0]["shares"] == {"A": 0.75, "B": 0.25}
    assert sum(found["alerts"].values()) == 1
    assert found["faults"] == ["notifications to slack:#ml can't be delivered: 404"]
    of_one = await (await http.get("/api/v1/live/snapshot", params={"model": "digits"})).json()
    assert [item["id"] for item in of_one["tests"]] == ["behind"]


@pytest.mark.parametrize("path", [URL, "/api/v1/live/snapshot"])
@pytest.mark.parametrize("model", ["dte", "det@7", ""])
async def test_model_that_nobody_knows_is_refused(http: Http, services: Services, path: str, model: str) -> None:
    """With those there are: figures that stay empty would look like a model without traffic."""
    answer = await http.get(path, params={"model": model})
    (fault,) = (await answer.json(content_type=None))["errors"]
    assert (answer.status, fault["field"]) == (422, "model")
    assert "there are det, det@1, det@2" in fault["message"]
    assert services.listeners == 0


@pytest.mark.parametrize("model", ["det", "det@1"])
async def test_model_with_traffic_is_known_without_the_store(http: Http, tmp_path: Path, model: str) -> None:
    """Live figures go on where the store can't be used."""
    store_path(tmp_path).unlink()
    answer = await http.get("/api/v1/live/snapshot", params={"model": model})
    assert [item["model"] for item in (await answer.json())["models"]] == ["det"]


async def test_listeners_are_bounded_and_one_that_leaves_frees_its_place(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one too many is asked to come again, and finds room once another has gone."""
    monkeypatch.setattr(live_figures, "LISTENERS_MAX", 2)
    async with running(services) as (http, _):
        one, two = await listen(http), await listen(http)
        refused = await http.get(URL)
        assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
        assert services.turned_away["live"] == 1
        assert "sidecar_live_listeners 2.0" in await (await http.get("/metrics")).text()
        one.close()
        await until(lambda: services.listeners == 1)
        three = await listen(http)
        await event(two)
        await event(three)


async def test_listener_that_left_before_the_first_event_is_no_fault(
    services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its place is free, and the log says nothing of it."""
    admit, asked, gone = Door.admit, asyncio.Event(), asyncio.Event()

    async def held_up(door: Door, request: Any) -> Any:
        asked.set()
        await gone.wait()
        return await admit(door, request)

    monkeypatch.setattr(Door, "admit", held_up)
    async with running(services) as (_, runner):
        _, writing = await asyncio.open_connection(*runner.addresses[0])
        writing.write(f"GET {URL} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        await asyncio.wait_for(asked.wait(), 20)
        writing.transport.abort()
        await asyncio.sleep(0.1)
        gone.set()
        await asyncio.sleep(0.1)
        await until(lambda: services.listeners == 0)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_listener_that_does_not_read_is_cut_off_and_holds_up_nobody(
    services: Services, totals: LiveTotals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies on the way is bounded, and so is the time it may lie there."""
    monkeypatch.setattr(handlers_live, "BEHIND_S_MAX", 0.5)
    totals.by_key = {(f"{number:03}" + "x" * 500, "v" * 500, "serving"): make_summary([]) for number in range(100)}
    totals.by_key["det", "1", "serving"] = make_summary([])
    async with running(services) as (http, runner):
        port = runner.addresses[0][1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_024)
        writer.write(b"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await writer.drain()
        reading = await listen(http, model="det")  # so little that none of it lies on the way
        await until(lambda: services.listeners == 2)
        for _ in range(200):
            await event(reading)
            if services.listeners == 1:
                break
        assert services.turned_away["live_behind"] == 1
        assert services.listeners == 1
        await event(reading)
        writer.close()


async def test_something_comes_though_the_interval_is_long(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment, which no client takes for figures."""
    monkeypatch.setattr(handlers_live, "HEARTBEAT_S", 0.1)
    answer = await listen(http, interval_s="60")
    await event(answer)
    async with asyncio.timeout(60):
        assert await answer.content.readline() == b": still here\n"
        assert await answer.content.readline() == b": still here\n"


async def test_sidecar_that_stops_ends_all_at_once(services: Services, totals: LiveTotals) -> None:
    """Also one that does not read: nothing is waited for."""
    totals.by_key = {(f"{number:03}" + "x" * 500, "v" * 500, "serving"): make_summary([]) for number in range(100)}
    async with running(services) as (http, runner):
        reading = await listen(http)
        _, writer = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1], limit=1_024)
        writer.write(b"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await until(lambda: services.listeners == 2)
        for _ in range(10):
            await event(reading)
        async with asyncio.timeout(30):
            await runner.cleanup()
        assert services.listeners == 0
        await reading.content.read()
        assert reading.content.at_eof()
        writer.close()


async def test_token_that_is_revoked_listens_no_more(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream is no way to go on reading; the others go on."""
    monkeypatch.setattr(handlers_live, "HEARTBEAT_S", 0.1)
    services.door.demanded = True

    async def at_once(seconds: float) -> None:
        return None

    services.door.sleep = at_once
    assert services.tokens is not None
    token, secret = services.tokens.create("one", ("read",), 0.0, None)
    _, other = services.tokens.create("two", ("read",), 0.0, None)
    async with running(services) as (http, _):
        answers = [
            await http.get(URL, headers={"Authorization": f"Bearer {mine}"}, timeout=aiohttp.ClientTimeout(90))
            for mine in (secret, other)
        ]
        for answer in answers:
            await event(answer)
        services.tokens.revoke(token.id, 1.0)
        async with asyncio.timeout(60):
            await answers[0].content.read()
        await until(lambda: services.listeners == 1)
        await event(answers[1])


async def test_fault_of_one_moment_does_not_end_the_figures(
    http: Http, watch: LiveWatch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged; the next moment is another one."""
    answer = await listen(http)
    await event(answer)
    right = watch.figures
    faults = 0

    def fault() -> Any:
        nonlocal faults
        faults += 1
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(watch, "figures", fault)
    await until(lambda: faults > 1)
    monkeypatch.setattr(watch, "figures", right)
    await event(answer)
    assert "a fault of ours" in caplog.text


@pytest.mark.parametrize("interval", ["0.5", "61", "often"])
async def test_interval_that_makes_no_sense_is_named(http: Http, interval: str) -> None:
    """Before a stream begins."""
    answer = await http.get(URL, params={"interval_s": interval})
    assert answer.status == 422
    assert (await answer.json())["errors"][0]["field"] == "interval_s"
