"""The worker process as the supervisor starts it, with a monitor's socket in the test."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from sidecar.link import (
    Frame,
    FrameDecoder,
    Kind,
    pack_frame,
    pack_reply,
    settings_to_json,
    unpack_ask,
    unpack_counts,
    unpack_image,
    unpack_json,
)
from sidecar.shipping import unpack_exchanges
from sidecar.types import FeedbackPath, Limits, ProxySettings, RoutePattern, Shadow, Variant
from tests.kit.ports import free_ports
from tests.kit.shadowing import Listen
from tests.kit.upstream import WAIT_S, Upstream, read_answer, until

BODY = bytes(range(256)) * 2_000
REQUEST = b"POST /predict?key=secret HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY


@dataclass
class Monitor:
    """A monitor's end of the link that keeps what it gets and acknowledges where told to; ``links`` are open."""

    path: str
    acknowledges: bool = True
    frames: list[Frame] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    links: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        self.links += 1
        decoder = FrameDecoder()
        try:
            while received := await reader.read(1 << 16):
                for frame in decoder.feed(received):
                    self.frames.append(frame)
                    if self.acknowledges and frame.sequence:
                        writer.write(pack_frame(Kind.ACK, sequence=frame.sequence))
        except ConnectionError:
            pass
        finally:
            self.links -= 1

    def of(self, kind: Kind) -> list[Frame]:
        return [frame for frame in self.frames if frame.kind is kind]

    def status(self) -> dict[str, Any]:
        """What the worker said last of itself; empty before it did."""
        told = self.of(Kind.STATUS)
        return unpack_json(told[-1].payload) if told else {}

    def send(self, kind: Kind, payload: bytes) -> None:
        self.writers[-1].write(pack_frame(kind, payload))


@dataclass
class Running:
    process: asyncio.subprocess.Process
    supervisor: asyncio.StreamWriter
    monitor: Monitor
    settings: ProxySettings
    port: int
    status: asyncio.StreamReader
    upstream: Upstream

    async def ask(self, request: bytes = REQUEST) -> tuple[int, dict[bytes, bytes], bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        try:
            return await read_answer(reader)
        finally:
            writer.close()

    async def ended_well(self) -> bool:
        """Once the process is gone and all that it sent is read."""
        code = await asyncio.wait_for(self.process.wait(), WAIT_S)
        await until(lambda: not self.monitor.links)
        return code == 0


# Drains end once nothing is left to wait for: no bound is met because the machine is busy.
PATIENT = Limits(
    drain_grace_s=1000.0,
    health_interval_s=1000.0,
    connect_timeout_s=30.0,
    ring_age_s=60.0,
    feedback_timeout_s=60.0,
    shadow_timeout_s=1000.0,
)


@pytest.fixture
async def worker(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Running]:
    """Its parameter, where there is one, are its limits."""
    upstream = Upstream()
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", free_ports(1)[0], limit=1 << 22)
    port = server.sockets[0].getsockname()[1]
    settings = ProxySettings(
        version=1,
        variants=(Variant("A", f"http://127.0.0.1:{port}", version="7"),),
        default="A",
        routes=(RoutePattern(("POST",), "/predict", "plain", model="det"),),
        limits=getattr(request, "param", PATIENT),
        feedback=FeedbackPath("/feedback"),
    )
    monitor = Monitor(str(tmp_path / "link"))
    link = await asyncio.start_unix_server(monitor.serve, monitor.path)
    listener = socket.create_server(("127.0.0.1", 0))
    status_read, status_write = os.pipe()
    ours, theirs = socket.socketpair()
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "sidecar.proxy.worker", stdin=theirs)
    theirs.close()
    socket.send_fds(ours, [b"\0"], [listener.fileno(), status_write])
    os.close(status_write)
    start = {"worker": 3, "link": monitor.path, "settings": asdict(settings)}
    _, supervisor = await asyncio.open_connection(sock=ours)
    supervisor.write(json.dumps(start).encode() + b"\n")
    status = asyncio.StreamReader()
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(status), os.fdopen(status_read, "rb")
    )
    yield Running(process, supervisor, monitor, settings, listener.getsockname()[1], status, upstream)
    if process.returncode is None:
        process.kill()
        await process.wait()
    supervisor.close()
    pipe.close()
    listener.close()
    link.close()
    server.close()
    for writer in [*upstream.writers.values(), *monitor.writers]:
        writer.transport.abort()


async def told(worker: Running, accepting: bool = True) -> None:
    """Waits until the worker says whether it accepts, and that its upstream is up."""
    expected = {"accepting": accepting, "ending": not accepting, "upstreams": {"A": True}}
    async with asyncio.timeout(WAIT_S):
        while json.loads(await worker.status.readline()) != expected:
            pass


async def test_worker_ships_exchange_counts_and_wanted_image(worker: Running) -> None:
    """A prediction request is relayed, shipped once, counted, and its body comes when the monitor wants it."""
    await told(worker)
    status, fields, body = await worker.ask()
    assert (status, body) == (200, b"ok")
    prediction_id = fields[b"x-prediction-id"].decode()
    await until(lambda: worker.monitor.of(Kind.EXCHANGES) and worker.monitor.of(Kind.COUNTS))
    (exchange,) = unpack_exchanges(worker.monitor.of(Kind.EXCHANGES)[0].payload)
    assert (exchange.prediction_id, exchange.version, exchange.status) == (prediction_id, "7", 200)
    assert (exchange.query, exchange.request_bytes) == ("key=REDACTED", len(BODY))
    assert (exchange.request_head, exchange.response_body) == (BODY[:2048], b"ok")
    (count,) = unpack_counts(worker.monitor.of(Kind.COUNTS)[0].payload)
    assert (count.model, count.requests, count.statuses) == ("det", 1, {200: 1})
    worker.monitor.send(Kind.WANT, prediction_id.encode())
    worker.monitor.send(Kind.WANT, b"nobody")
    await until(lambda: worker.monitor.of(Kind.MISSING))
    parts = [unpack_image(frame.payload) for frame in worker.monitor.of(Kind.IMAGE)]
    assert b"".join(part for _, _, _, part in parts) == BODY
    assert unpack_json(worker.monitor.of(Kind.MISSING)[0].payload) == {"id": "nobody", "reason": "unknown"}
    hello = unpack_json(worker.monitor.of(Kind.HELLO)[0].payload)
    assert (hello["worker"], hello["pid"], hello["settings"]) == (3, worker.process.pid, 1)


async def test_worker_sends_unacknowledged_frames_again_after_reconnect(worker: Running) -> None:
    """What the monitor had not committed when it died comes again over the next connection."""
    await told(worker)
    worker.monitor.acknowledges = False
    await worker.ask()
    await until(lambda: worker.monitor.of(Kind.EXCHANGES))
    worker.monitor.acknowledges = True
    first = worker.monitor.of(Kind.EXCHANGES)[0]
    worker.monitor.frames.clear()
    worker.monitor.writers[-1].transport.abort()
    await until(lambda: worker.monitor.of(Kind.EXCHANGES))
    assert worker.monitor.of(Kind.EXCHANGES)[0] == first


async def test_worker_takes_newer_settings_only(worker: Running) -> None:
    """Settings swap on a living connection; the same or an older version changes nothing."""
    await told(worker)
    await until(lambda: worker.monitor.of(Kind.STATUS))
    worker.monitor.send(Kind.SETTINGS, settings_to_json(replace(worker.settings, version=5)))
    worker.monitor.send(Kind.SETTINGS, settings_to_json(replace(worker.settings, version=4)))
    await until(lambda: worker.monitor.status()["settings"] == 5)
    worker.monitor.frames.clear()
    await until(worker.monitor.status)
    assert worker.monitor.status()["settings"] == 5


async def test_worker_drains_when_its_supervisor_is_gone(worker: Running) -> None:
    """The end of stdin makes a worker stop accepting, ship what it has and exit well; Ctrl-C alone does not."""
    await told(worker)
    worker.process.send_signal(signal.SIGINT)
    await worker.ask()
    worker.supervisor.close()
    await told(worker, accepting=False)
    assert await worker.ended_well()
    assert sum(len(list(unpack_exchanges(frame.payload))) for frame in worker.monitor.of(Kind.EXCHANGES)) == 1
    assert sum(c.requests for f in worker.monitor.of(Kind.COUNTS) for c in unpack_counts(f.payload)) == 1


@pytest.mark.parametrize("worker", [replace(PATIENT, drain_delay_s=4.0, drain_grace_s=3.5)], indirect=True)
async def test_drain_gives_its_delay_and_then_its_grace_in_full(worker: Running) -> None:
    """Clients are accepted for all of ``drain_delay_s``, and what is in flight then has all of ``drain_grace_s``; what
    came of it is shipped."""
    await told(worker)
    worker.upstream.gated = True
    worker.process.send_signal(signal.SIGTERM)
    await asyncio.sleep(1)
    asking = asyncio.create_task(worker.ask())
    await told(worker, accepting=False)  # by now the grace were over, had it not begun after the delay
    await asyncio.sleep(0.5)
    worker.upstream.gate.set()
    status, fields, body = await asking
    assert (status, fields[b"connection"], body) == (200, b"close", b"ok")
    assert await worker.ended_well()
    (exchange,) = [item for f in worker.monitor.of(Kind.EXCHANGES) for item in unpack_exchanges(f.payload)]
    assert exchange.status == 200


@pytest.mark.parametrize("worker", [replace(PATIENT, drain_delay_s=4.0)], indirect=True)
async def test_delay_begins_anew_when_the_supervisor_drains_too(worker: Running) -> None:
    """Only then does ``/readyz`` say no: who looks there is to see it before clients are refused."""
    await told(worker)
    worker.process.send_signal(signal.SIGTERM)
    await asyncio.sleep(1)  # more than the last handshakes are given
    began = monotonic()
    worker.supervisor.close()
    await told(worker, accepting=False)
    assert monotonic() - began >= 4


def addresses(status: dict[str, Any], upstream: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = status["upstreams"].get(upstream, {}).get("addresses", [])
    return found


async def test_worker_logs_that_an_address_is_down_and_tells_why(worker: Running) -> None:
    """Once, with the worker's own log, and in each status; a monitor that comes later hears it too."""
    await told(worker)
    await until(lambda: worker.monitor.of(Kind.STATUS))
    variants = (*worker.settings.variants, Variant("B", "http://127.0.0.1:1"))
    worker.monitor.send(Kind.SETTINGS, settings_to_json(replace(worker.settings, version=2, variants=variants)))
    await until(lambda: worker.monitor.of(Kind.LOG))
    (line,) = [unpack_json(frame.payload) for frame in worker.monitor.of(Kind.LOG)]
    address = {"address": "127.0.0.1:1", "reason": "connection refused"}
    assert line == {"level": "warning", "event": "upstream_address_down", "upstream": "B", **address}
    expected = {**address, "state": "down"}.items()
    await until(lambda: [one.items() >= expected for one in addresses(worker.monitor.status(), "B")] == [True])


async def test_worker_that_drains_waits_for_no_copy(worker: Running, listen: Listen) -> None:
    """Copies under way are in a gauge, and end with the drain of the clients: dropped, not recorded."""

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1 << 16):
            pass

    await told(worker)
    await until(lambda: worker.monitor.of(Kind.STATUS))
    variants = (*worker.settings.variants, Variant("B", f"http://127.0.0.1:{await listen(hang)}"))
    settings = replace(worker.settings, version=2, variants=variants, shadows=(Shadow("s", "B", 1.0),))
    worker.monitor.send(Kind.SETTINGS, settings_to_json(settings))
    await until(lambda: worker.monitor.status()["settings"] == 2)
    assert (await worker.ask())[0] == 200
    await until(lambda: worker.monitor.status()["shadows_in_flight"] == 1)
    worker.supervisor.close()
    assert await worker.ended_well()  # long before the copy's time and the drain's are over
    (exchange,) = [item for f in worker.monitor.of(Kind.EXCHANGES) for item in unpack_exchanges(f.payload)]
    assert (exchange.role, exchange.experiment) == ("serving", "s")


async def test_worker_that_drains_waits_for_feedback(worker: Running) -> None:
    """What the monitor was asked before the drain is answered within it, over a link that stays until then."""
    await told(worker)
    await until(lambda: worker.monitor.of(Kind.STATUS))
    fields = b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    asking = asyncio.create_task(worker.ask(b"POST /feedback HTTP/1.1\r\nHost: a\r\n" + fields))
    await until(lambda: worker.monitor.of(Kind.ASK))
    number, body = unpack_ask(worker.monitor.of(Kind.ASK)[0].payload)
    worker.supervisor.close()
    await told(worker, accepting=False)
    worker.monitor.send(Kind.REPLY, pack_reply(number, 201, "application/json", body))
    status, answered, content = await asking
    assert (status, answered[b"connection"], content) == (201, b"close", b"{}")
    assert await worker.ended_well()
    (count,) = [count for frame in worker.monitor.of(Kind.COUNTS) for count in unpack_counts(frame.payload)]
    assert (count.model, count.statuses) == ("", {201: 1})


async def test_worker_imports_nothing_heavy() -> None:
    """A worker stays small: none of the monitor's libraries are loaded by it."""
    code = "import sys, sidecar.proxy.worker; print(*sys.modules)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=-1)
    modules = set((await process.communicate())[0].decode().split())
    assert not modules & {"numpy", "orjson", "aiohttp", "pydantic", "PIL", "sqlite3", "yaml"}
    rooms = {name.split(".")[1] for name in modules if name.startswith("sidecar.")}
    assert rooms == {"types", "hashing", "link", "shipping", "proxy"}
