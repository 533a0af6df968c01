"""A/B tests and shadow tests through real processes: followed, ended, harmless, and exact though they are killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from sidecar import Client
from sidecar.experiments import PER_UNIT_NAMES
from sidecar.hashing import unit_interval
from sidecar.recording import Store, Trials
from sidecar.trials.units import unit_hash
from tests.kit.following import wait_until_followed
from tests.kit.ports import free_ports
from tests.kit.sidecar import Answer, RunningSidecar, ask, running_sidecar, wait_for

INFER = "/v2/models/det/infer"
CAMERAS = [f"camera-{number}" for number in range(40)]
WORKERS = 2
COPIES_MAX = 32
"""Copies under way in a worker."""
ROUNDS_S = 90.0
"""The steward looks after tests every ten seconds."""
TIME_S = 8
"""Of a test that ends by itself; all its requests are answered long before."""

ModelServer = Callable[[str], str]


def _arguments(folder: Path, url_a: str, url_b: str) -> list[str]:
    file = folder / "sidecar.yaml"
    file.write_text(
        f"upstreams:\n- {{name: A, url: '{url_a}', version: '1'}}\n- {{name: B, url: '{url_b}', version: '2'}}\n"
        "alerts: {interval: 1s}\n"
    )
    return ["--config", str(file), "--workers", str(WORKERS)]


@contextmanager
def _running(folder: Path, arguments: Sequence[str]) -> Iterator[tuple[RunningSidecar, Client]]:
    with running_sidecar(folder, arguments) as sidecar, Client(f"http://127.0.0.1:{sidecar.admin_port}") as client:
        yield sidecar, client


def _behave(url: str, **behaviour: float) -> None:
    assert ask(f"{url}/behave", json.dumps(behaviour).encode()).status == 200


def _version(answer: Answer) -> str:
    return str(json.loads(answer.body)["model_version"])


def _send(sidecar: RunningSidecar, cameras: Sequence[str]) -> list[Answer]:
    """A request of each of these, eight at a time."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda camera: ask(sidecar.url(INFER), b"{}", X_Camera=camera), cameras))


def _served(sidecar: RunningSidecar) -> dict[str, str]:
    """The version that serves each camera."""
    return dict(zip(CAMERAS, map(_version, _send(sidecar, CAMERAS)), strict=True))


def _treated(sidecar: RunningSidecar) -> set[str]:
    return {camera for camera, version in _served(sidecar).items() if version == "two"}


def _copies(url: str) -> int:
    """Requests that a server has got."""
    return sum(json.loads(ask(url).body).values())


@contextmanager
def _killed_monitor(sidecar: RunningSidecar) -> Iterator[None]:
    """The block runs while there is none; after it another one answers."""
    (monitor,) = wait_for(lambda: sidecar.pids("sidecar: monitor"), what="the monitor")
    os.kill(monitor, signal.SIGKILL)
    yield
    wait_for(lambda: sidecar.pids("sidecar: monitor") not in ([], [monitor]), what="its next life")
    wait_for(lambda: sidecar.api("/api/v1/status"), what="its answers")


def test_changes_of_a_split_are_followed_and_survive(tmp_path: Path, model_server: ModelServer) -> None:
    """Paused, resumed, ramped, stopped and promoted, each holds at once for every worker, while the monitor is dead, in
    its next life and after a restart; a camera that is treated stays so."""
    arguments = _arguments(tmp_path, model_server("one"), model_server("two"))
    everybody = set(CAMERAS)
    with _running(tmp_path, arguments) as (sidecar, client):
        config = {"traffic_split": 0.4, "unit": "header:X-Camera", "guardrails": []}
        test = client.create_ab_test("Night", "det@1", "det@2", config)
        wait_until_followed(sidecar, WORKERS)
        half = _treated(sidecar)
        assert set() < half < everybody
        assert client.pause_ab_test(test.id, "an incident").status == "paused"
        wait_until_followed(sidecar, WORKERS)
        assert not _treated(sidecar)
        with _killed_monitor(sidecar):
            assert not _treated(sidecar)
        assert client.ab_test(test.id).status == "paused"
        assert not _treated(sidecar)
        client.resume_ab_test(test.id)
        wait_until_followed(sidecar, WORKERS)
        assert _treated(sidecar) == half
        client.ramp_ab_test(test.id, 0.8)
        wait_until_followed(sidecar, WORKERS)
        most = _treated(sidecar)
        assert half < most < everybody
        with _killed_monitor(sidecar):
            assert _treated(sidecar) == most
    with _running(tmp_path, arguments) as (sidecar, client):
        assert _treated(sidecar) == most
        found = client.ab_test(test.id)
        assert (found.status, found.traffic_split) == ("running", 0.8)
        assert [epoch.shares.B for epoch in found.epochs] == [0.4, 0, 0.4, 0.8]
        client.stop_ab_test(test.id, "enough was seen")
        wait_until_followed(sidecar, WORKERS)
        with _killed_monitor(sidecar):
            assert not _treated(sidecar)
        assert (client.ab_test(test.id).status, client.ab_test(test.id).reason) == ("stopped", "enough was seen")
        client.promote_ab_test(test.id)
        wait_until_followed(sidecar, WORKERS)
        assert _treated(sidecar) == everybody
    with _running(tmp_path, arguments) as (sidecar, client):
        assert _treated(sidecar) == everybody
        assert client.ab_test(test.id).promoted == "det@2"


def test_changes_of_a_shadow_are_followed_and_survive(tmp_path: Path, model_server: ModelServer) -> None:
    """Exactly the share of requests that is asked for is copied, none in a pause or after the end, whatever dies."""
    shadow_url = model_server("two")
    arguments = _arguments(tmp_path, model_server("one"), shadow_url)

    def assert_copied(sidecar: RunningSidecar, share: float) -> None:
        before = _copies(shadow_url)
        answers = _send(sidecar, CAMERAS)
        assert {_version(answer) for answer in answers} == {"one"}
        names = [answer.headers["X-Prediction-Id"] for answer in answers]
        drawn = sum(unit_interval("new", name) < share for name in names)
        wait_for(lambda: _copies(shadow_url) - before >= drawn, what="the copies")
        for name in names:  # what was copied is recorded with its request
            wait_for(lambda name=name: sidecar.api(f"/api/v1/predictions/{name}"), what="the record")
        assert _copies(shadow_url) - before == drawn

    with _running(tmp_path, arguments) as (sidecar, client):
        assert client.create_shadow_test("New", "det@1", "det@2", {"share": 1.0}).id == "new"
        wait_until_followed(sidecar, WORKERS)
        assert_copied(sidecar, 1.0)
        client.pause_shadow_test("new")
        wait_until_followed(sidecar, WORKERS)
        with _killed_monitor(sidecar):
            pass
        assert_copied(sidecar, 0.0)
        client.resume_shadow_test("new")
        client.ramp_shadow_test("new", 0.5)
        wait_until_followed(sidecar, WORKERS)
        assert_copied(sidecar, 0.5)
    with _running(tmp_path, arguments) as (sidecar, client):
        wait_until_followed(sidecar, WORKERS)
        assert_copied(sidecar, 0.5)
        client.stop_shadow_test("new")
        wait_until_followed(sidecar, WORKERS)
        assert_copied(sidecar, 0.0)
        client.promote_shadow_test("new")
        wait_until_followed(sidecar, WORKERS)
        assert _treated(sidecar) == set(CAMERAS)
    with _running(tmp_path, arguments) as (sidecar, client):
        assert _treated(sidecar) == set(CAMERAS)
        assert (client.shadow_test("new").status, client.shadow_test("new").promoted) == ("stopped", "det@2")


def test_a_test_ends_by_itself_with_traffic_back_to_control(tmp_path: Path, model_server: ModelServer) -> None:
    """When its time is over, with nobody there; its results stay readable and all its requests are in them."""
    with _running(tmp_path, _arguments(tmp_path, model_server("one"), model_server("two"))) as (sidecar, client):
        config = {"traffic_split": 0.5, "duration_days": TIME_S / 86_400, "guardrails": []}
        test = client.create_ab_test("Short", "det@1", "det@2", config)
        wait_until_followed(sidecar, WORKERS)
        sent = Counter(map(_version, _send(sidecar, CAMERAS)))
        found = wait_for(lambda: _with_status(client, test.id, "completed"), ROUNDS_S, "its end")
        assert found.reason.endswith("over")
        assert found.ended_at - found.created_at >= TIME_S
        wait_until_followed(sidecar, WORKERS)
        assert not _treated(sidecar)
        results = client.get_ab_test_results(test.id)
        assert {"one": results.model_a.n, "two": results.model_b.n} == sent


def _with_status(client: Client, test_id: str, status: str):
    found = client.ab_test(test_id)
    return found if found.status == status else None


@pytest.mark.parametrize(
    ("behaviour", "metric", "requests"),
    [({"status": 500}, "error_rate", 160), ({"delay_s": 0.1}, "latency", 480)],
)
def test_a_harmful_version_is_stopped_by_itself_and_told(
    tmp_path: Path, model_server: ModelServer, behaviour: dict[str, float], metric: str, requests: int
) -> None:
    """A version that fails, or is slow, loses its traffic to a guardrail that the reason names, and an alert fires."""
    bad_url = model_server("two")
    _behave(bad_url, **behaviour)
    with _running(tmp_path, _arguments(tmp_path, model_server("one"), bad_url)) as (sidecar, client):
        test = client.create_ab_test("Bad", "det@1", "det@2", {"traffic_split": 0.5})
        wait_until_followed(sidecar, WORKERS)
        _send(sidecar, CAMERAS * (requests // len(CAMERAS)))
        found = wait_for(lambda: _with_status(client, test.id, "stopped"), ROUNDS_S, "the stop")
        assert found.reason.startswith("guardrail: B: ")
        assert metric in found.reason
        _behave(bad_url, status=200, delay_s=0.0)
        wait_until_followed(sidecar, WORKERS)
        assert not _treated(sidecar)
        fired = wait_for(
            lambda: [alert for alert in client.alerts(state="firing") if alert.name == "Guardrail stop"],
            what="the alert",
        )
        assert len(fired) == 1
        assert client.get_ab_test_results(test.id).verdict == "a_better"


@pytest.mark.parametrize("fault", ["hangs", "is_down", "fails"])
def test_a_faulty_shadow_changes_nothing_for_clients_and_is_reported(
    tmp_path: Path, model_server: ModelServer, fault: str
) -> None:
    """Each client gets the bytes of what serves, without waiting; the report says how many copies failed, and that no
    image was compared. Copies of a shadow that hangs are bounded."""
    url = model_server("one")
    shadow_url = f"http://127.0.0.1:{free_ports(1)[0]}" if fault == "is_down" else model_server("two")
    if fault != "is_down":
        _behave(shadow_url, **({"delay_s": 300.0} if fault == "hangs" else {"status": 500}))
    with _running(tmp_path, _arguments(tmp_path, url, shadow_url)) as (sidecar, client):
        test = client.create_shadow_test("Faulty", "det@1", "det@2", {"share": 1.0})
        wait_until_followed(sidecar, WORKERS)
        expected = ask(url + INFER, b"{}")
        cameras = CAMERAS * 3
        answers = _send(sidecar, cameras)
        if fault == "hangs":  # nobody waited for a copy: each would be given up by then
            assert client.get_shadow_test_results(test.id).counts.failed_b == 0
        assert {(answer.status, answer.body) for answer in answers} == {(200, expected.body)}
        copied = len(cameras)
        if fault == "hangs":
            copied = WORKERS * COPIES_MAX
            wait_for(lambda: _refused_copies(sidecar) == len(cameras) - copied, what="the bound")
            wait_for(lambda: client.get_shadow_test_results(test.id).waiting == copied, what="those that wait")
        found = wait_for(
            lambda: (now := client.get_shadow_test_results(test.id)).counts.failed_b == copied and now,
            ROUNDS_S,
            "every copy",
        )
        assert (found.counts.requests, found.counts.images, found.counts.failed_a) == (copied, 0, 0)
        assert f"alone failed on {copied}" in found.sentence


def _refused_copies(sidecar: RunningSidecar) -> int:
    """Requests that were not copied since too many copies were under way."""
    status = sidecar.api("/api/v1/status")
    return sum(worker["status"].get("limits_hit", {}).get("shadow_in_flight_max", 0) for worker in status["workers"])


def _under_kills(sidecar: RunningSidecar, recorded: Callable[[], int]) -> list[tuple[str, Answer]]:
    """(camera, answer) of requests that go on while the monitor is killed, twice; ``recorded`` says how many of them
    are. All are before the second kill: what is in hand at two crashes may be set aside."""
    sent: list[tuple[str, Answer]] = []
    for _ in range(2):
        over = threading.Event()

        def go_on(place: int, over: threading.Event = over) -> None:
            while not over.wait(0.02):
                camera = CAMERAS[(place + 7 * len(sent)) % len(CAMERAS)]
                sent.append((camera, ask(sidecar.url(INFER), b"{}", X_Camera=camera)))

        with ThreadPoolExecutor(4) as pool:
            going = [pool.submit(go_on, place) for place in range(4)]
            try:
                before = recorded()
                wait_for(lambda before=before: recorded() >= before + 100, what="records")
                with _killed_monitor(sidecar):
                    time.sleep(0.3)
            finally:
                over.set()
            for one in going:
                one.result()
        wait_for(lambda: recorded() >= len(sent), ROUNDS_S, "every record")
    return sent


def test_a_shadow_loses_and_doubles_no_comparison_though_the_monitor_is_killed(
    tmp_path: Path, model_server: ModelServer
) -> None:
    """As many images are compared as were sent, all of them alike, and nothing waits or was skipped."""
    with _running(tmp_path, _arguments(tmp_path, model_server("one"), model_server("two"))) as (sidecar, client):
        test = client.create_shadow_test("Copy", "det@1", "det@2", {"share": 1.0})
        wait_until_followed(sidecar, WORKERS)
        sent = _under_kills(sidecar, lambda: client.get_shadow_test_results(test.id).counts.images)
        assert {answer.status for _, answer in sent} == {200}
        assert _refused_copies(sidecar) == 0
        wait_for(lambda: client.get_shadow_test_results(test.id).waiting == 0, what="late answers")
        found = client.get_shadow_test_results(test.id)
        assert (found.counts.requests, found.counts.images, found.counts.agreeing) == (len(sent),) * 3
        assert (found.counts.matched, found.counts.boxes_a, found.counts.boxes_b) == (2 * len(sent),) * 3
        assert found.latency.a.count == found.latency.b.count == found.confidence_shift.n == len(sent)
        assert (found.skipped, _lost(sidecar)) == ({}, [])


def test_units_of_a_test_keep_exact_sums_though_the_monitor_is_killed(
    tmp_path: Path, model_server: ModelServer
) -> None:
    """Each camera's requests and images are those it sent, in the results and camera by camera in the store."""
    with _running(tmp_path, _arguments(tmp_path, model_server("one"), model_server("two"))) as (sidecar, client):
        config = {"traffic_split": 0.5, "unit": "header:X-Camera", "guardrails": []}
        test = client.create_ab_test("Cameras", "det@1", "det@2", config)
        wait_until_followed(sidecar, WORKERS)

        def arms():
            found = client.get_ab_test_results(test.id)
            return found.model_a, found.model_b

        sent = _under_kills(sidecar, lambda: sum(arm.images for arm in arms()))
        by_version = Counter(_version(answer) for _, answer in sent)
        cameras = {(_version(answer), camera) for camera, answer in sent}
        assert len(cameras) == len({camera for _, camera in cameras})
        for arm, version in zip(arms(), ("one", "two"), strict=True):
            assert arm.n == sum(of == version for of, _ in cameras)
            assert (arm.requests, arm.images, arm.moved) == (by_version[version], by_version[version], 0)
            assert (arm.detections_per_image, arm.avg_confidence, arm.error_rate) == (2, 0.6875, 0)
        assert _lost(sidecar) == []
        assert sidecar.stop() == 0
    by_camera = Counter((_version(answer), camera) for camera, answer in sent)
    assert asyncio.run(_stored_requests(tmp_path / "data", test.id)) == {
        ({"one": "A", "two": "B"}[version], unit_hash(test.id, camera)): (n, n)
        for (version, camera), n in by_camera.items()
    }


def _lost(sidecar: RunningSidecar) -> list[tuple[str, str]]:
    """What was not recorded; there is no image in these requests that could have been kept."""
    dropped = [(row["stage"], row["reason"]) for row in sidecar.api("/api/v1/status")["dropped"]]
    return [row for row in dropped if not row[0].startswith("sample_")]


async def _stored_requests(data_dir: Path, trial_id: str) -> dict[tuple[str, int], tuple[int, int]]:
    """Requests and images by (arm, unit), as they are stored."""
    store = await Store.open(data_dir)
    try:
        rows = await Trials(store).units(trial_id)
    finally:
        await store.close()
    places = [PER_UNIT_NAMES.index(name) for name in ("requests", "images")]
    sums = {(row.arm, row.unit): np.frombuffer(row.sums, "<i8") for row in rows}
    return {key: (int(found[places[0]]), int(found[places[1]])) for key, found in sums.items()}
