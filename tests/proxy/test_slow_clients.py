"""slowhttptest against the relay: good traffic goes on, and whoever is slow is cut off and counted."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable

import pytest

from sidecar.proxy import uploads
from tests.kit.upstream import Received, Rig, Upstream

PROGRAM = shutil.which("slowhttptest")
needs_program = pytest.mark.skipif(PROGRAM is None, reason="needs slowhttptest (Debian: apt-get install slowhttptest)")
CONNECTIONS, SECONDS = 200, 4
LIMITS = {
    "upstream_connections_max": 32,
    "upstream_pending_s": 1.0,
    "head_timeout_s": 2.0,
    "body_grace_s": 1.0,
    "idle_timeout_s": 1.0,
}
LARGE = bytes(4 << 20)


def echo(got: Received) -> bytes:
    body = got.body if got.line.startswith(b"POST /good") else LARGE
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


async def good_traffic(rig: Rig, over: asyncio.Event, sizes: tuple[int, ...] = (100, 100_000)) -> int:
    """How many were answered, each with its own body."""
    answered = 0
    while not over.is_set():
        body = b"%d" % answered * sizes[answered % len(sizes)]
        status, _, given = await rig.send(
            b"POST /good HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body), body
        )
        assert (status, given == body) == (200, True)
        answered += 1
    return answered


@needs_program
@pytest.mark.parametrize(
    ("mode", "counter"),
    [
        (("-H", "-i", "1"), "head_timeout_s"),
        (("-B", "-i", "1", "-x", "10"), "body_bytes_per_s_min"),
        (("-X", "-n", "1", "-w", "1", "-y", "10"), "slow_readers_max"),
    ],
    ids=["head", "body", "read"],
)
async def test_slow_clients_harm_nobody_and_are_cut_off(
    make_rig: Callable[..., Awaitable[Rig]], monkeypatch: pytest.MonkeyPatch, mode: tuple[str, ...], counter: str
) -> None:
    """Every request of others is answered while more slow clients are connected than there are connections upstream."""
    monkeypatch.setattr(uploads, "READER_GRACE_S", 0.2)
    rig = await make_rig(Upstream(reply=echo), limits=LIMITS)
    over = asyncio.Event()
    good = [asyncio.create_task(good_traffic(rig, over)) for _ in range(4)]
    slow = await asyncio.create_subprocess_exec(
        *(PROGRAM or "", *mode, "-c", str(CONNECTIONS), "-r", "60", "-l", str(SECONDS)),
        *("-u", f"http://127.0.0.1:{rig.port}/slow", "-v", "0"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await asyncio.wait_for(slow.wait(), 60)
    finally:
        if slow.returncode is None:
            slow.kill()
            await slow.wait()
        over.set()
    assert all([await answered > 5 for answered in good])
    assert rig.proxy.limits_hit[counter] > CONNECTIONS / 10
