"""slowhttptest against the relay: good traffic goes on, and whoever is slow is cut off and counted."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Awaitable, Callable
from operator import sub

import pytest

from sidecar.proxy import uploads
from tests.kit.upstream import Received, Rig, Upstream
from tests.kit.wait import until

PROGRAM = shutil.which("slowhttptest")
needs_program = pytest.mark.skipif(PROGRAM is None, reason="needs slowhttptest (Debian: apt-get install slowhttptest)")
CONNECTIONS, SECONDS_MAX = 120, 50
LIMITS = {
    "upstream_connections_max": 32,
    "upstream_pending_s": 25.0,
    "head_timeout_s": 2.0,
    "body_grace_s": 2.0,
    "idle_timeout_s": 30.0,
}
LARGE = bytes(4 << 20)


def echo(got: Received) -> bytes:
    body = got.body if got.line.startswith(b"POST /good") else LARGE
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


async def good_traffic(rig: Rig, answered: list[int], at: int, sizes: tuple[int, ...] = (100, 100_000)) -> None:
    """Counts at ``at`` how many were answered, each with its own body."""
    while True:
        body = b"%d" % answered[at] * sizes[answered[at] % len(sizes)]
        status, _, given = await rig.send(
            b"POST /good HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body), body
        )
        assert (status, given == body) == (200, True)
        answered[at] += 1


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
    """Every request of others is answered while more slow clients are connected than there are connections upstream:
    before these are cut off, and after many of them were."""
    monkeypatch.setattr(uploads, "READER_GRACE_S", 0.2)
    rig = await make_rig(Upstream(reply=echo), limits=LIMITS)
    answered = [0] * 4
    good = asyncio.gather(*(good_traffic(rig, answered, at) for at in range(len(answered))))
    slow = await asyncio.create_subprocess_exec(
        *(PROGRAM or "", *mode, "-c", str(CONNECTIONS), "-r", "60", "-l", str(SECONDS_MAX)),
        *("-u", f"http://127.0.0.1:{rig.port}/slow", "-v", "0"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until(lambda: good.done() or rig.proxy.limits_hit.get(counter, 0) > CONNECTIONS / 6, SECONDS_MAX)
        before = list(answered)
        await until(lambda: good.done() or min(map(sub, answered, before)) > 5, SECONDS_MAX)
        assert not good.done(), good.exception()
    finally:
        if slow.returncode is None:
            slow.kill()
        await slow.wait()
        good.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await good
