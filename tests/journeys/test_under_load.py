"""Clients that keep their connections never notice what becomes of a sidecar meanwhile: not one request is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sidecar import Client
from tests.kit.following import wait_until_followed
from tests.kit.sidecar import RunningSidecar, running_sidecar, wait_for
from tests.kit.steady_load import Background, Habit, Load, Numbered, load, up_to

WORKERS = 2
TAP_BYTES = 2_000_000
KEPT = [Habit(up_to(0.02))] * 8
DRAINED = [*KEPT, *[Habit(up_to(2.0))] * 8, Habit(body_bytes=100_000, part_s=0.05), Habit(up_to(0.02), fresh=True)]
Serve = Callable[[], Numbered]


@pytest.fixture
def serve(background: Background) -> Iterator[Serve]:
    """Starts model servers, each at a port of its own, that end with the test."""
    servers: list[Numbered] = []

    def start() -> Numbered:
        servers.append(Numbered(up_to(0.01)))
        background.run(servers[-1].start())
        return servers[-1]

    yield start
    for server in servers:
        background.run(server.stop())


def configured(folder: Path, **urls: str) -> Path:
    file = folder / "sidecar.yaml"
    rows = [f"- {{name: {name}, url: '{url}', version: '{name}'}}\n" for name, url in urls.items()]
    file.write_text(f"upstreams:\n{''.join(rows)}")
    return file


def goes_on(asking: Load, requests: int = 50) -> None:
    """Until so many more were answered."""
    before = asking.outcomes["answered"]
    wait_for(lambda: asking.outcomes["answered"] >= before + requests, what="answers")


def nothing_lost(asking: Load) -> None:
    """All was answered, each over the connection that its client opened first."""
    assert set(asking.outcomes) == {"answered"}
    assert asking.connections == {"opened": len(KEPT)}


def test_changes_reach_the_workers_and_drop_no_connection(tmp_path: Path, background: Background, serve: Serve) -> None:
    """A test begins, is ramped and ends, a version is registered and tested, settings are read anew."""
    one, two, three = serve(), serve(), serve()
    file = configured(tmp_path, A=one.url, B=two.url)
    with (
        running_sidecar(tmp_path, ["--config", str(file), "--workers", str(WORKERS)]) as sidecar,
        Client(f"http://127.0.0.1:{sidecar.admin_port}") as client,
        load(background, sidecar.port, KEPT) as asking,
    ):

        def followed() -> None:
            wait_until_followed(sidecar, WORKERS)
            goes_on(asking)

        config = {"traffic_split": 0.3, "guardrails": []}
        test = client.create_ab_test("Split", "det@A", "det@B", config)
        followed()
        assert two.seen
        client.ramp_ab_test(test.id, 0.9)
        followed()
        client.stop_ab_test(test.id)
        followed()
        before = two.seen.total()
        goes_on(asking)
        assert two.seen.total() == before
        client.register_model("det", "C", url=three.url)
        client.create_ab_test("Registered", "det@A", "det@C", config)
        followed()
        assert three.seen
        file.write_text(f"{file.read_text()}slice_by: route\nlimits: {{tap_bytes_max: {TAP_BYTES}}}\n")
        sidecar.process.send_signal(signal.SIGHUP)
        wait_for(lambda: sidecar.api("/api/v1/settings")["slice_by"] == "route", what="the reload")
        followed()
        wait_for(lambda: _tap_bytes_max(sidecar) == WORKERS * TAP_BYTES, what="the new bound of what waits")
    nothing_lost(asking)


def _tap_bytes_max(sidecar: RunningSidecar) -> int:
    """Of what all workers may hold for the monitor."""
    found = [row["bytes_max"] for row in sidecar.api("/api/v1/status")["backlog"] if row["stage"] == "tap"]
    return int(found[0])


def test_a_shadow_that_goes_wrong_is_not_waited_for(tmp_path: Path, background: Background, serve: Serve) -> None:
    """It stalls, resets and trickles in turn, and each request is answered at once; copies that were not sent count."""
    one, two = serve(), serve()
    file = configured(tmp_path, A=one.url, B=two.url)
    with (
        running_sidecar(tmp_path, ["--config", str(file)]) as sidecar,
        Client(f"http://127.0.0.1:{sidecar.admin_port}") as client,
        load(background, sidecar.port, KEPT) as asking,
    ):

        def skipped() -> int:
            (worker,) = sidecar.api("/api/v1/status")["workers"]
            return int(worker["status"]["limits_hit"].get("shadow_in_flight_max", 0))

        background.run(two.turn("stalls"))
        test = client.create_shadow_test("Copy", "det@A", "det@B", {"share": 1.0})
        wait_until_followed(sidecar)
        goes_on(asking, 200)  # answered while no copy was, nor is any given up yet
        wait_for(skipped, what="copies that were not sent")
        for fault in ("resets", "trickles", ""):
            background.run(two.turn(fault))
            seen = two.seen.total()
            goes_on(asking)
            wait_for(lambda seen=seen: two.seen.total() >= seen + 30, what="copies")

        def compared():
            now = client.get_shadow_test_results(test.id).counts
            return now if now.images and now.failed_b >= 30 else None

        assert wait_for(compared, what="pairs and failures").failed_a == 0
    nothing_lost(asking)
    assert set(one.seen.values()) == {1}


def test_a_drain_fails_no_request(tmp_path: Path, background: Background, serve: Serve) -> None:
    """Each worker in turn and then the whole sidecar is told to end: whatever was accepted is answered, once, and what
    came too late was either refused or its connection ended cleanly, and the model server never saw it."""
    server = serve()
    arguments = ["--upstream", server.url, "--workers", str(WORKERS)]
    with (
        running_sidecar(tmp_path, arguments) as sidecar,
        load(background, sidecar.port, DRAINED) as asking,
    ):
        for number in range(WORKERS):
            goes_on(asking)
            _replace(sidecar, f"sidecar: worker {number}")
        goes_on(asking)
        assert asking.outcomes["refused"] == 0
        assert sidecar.stop() == 0
        wait_for(lambda: asking.outcomes["refused"], what="the end")
    assert asking.failed == {}
    assert asking.connections["told_to_close"]
    assert set(server.seen.values()) == {1}
    assert not set(asking.crossed) & set(server.seen)


def _replace(sidecar: RunningSidecar, worker: str) -> None:
    (pid,) = sidecar.pids(worker)
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: sidecar.pids(worker) not in ([], [pid]), what="its successor")
