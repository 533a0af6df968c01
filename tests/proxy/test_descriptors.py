"""How many clients there is room for."""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import Awaitable, Callable

import pytest

from sidecar.proxy import descriptors, downstream, relay
from sidecar.types import Limits
from tests.kit.upstream import Rig, read_answer


def test_room_is_what_open_files_leave() -> None:
    """Connections to model servers have their place first, in half of them at most; no limit leaves the setting as it
    is."""
    limits = Limits(connections_max=1_000, upstream_connections_max=100)
    assert descriptors.connections_max(limits, 2, 4_096) == 1_000
    assert descriptors.connections_max(limits, 2, 1_024) == 1_024 - 200 - descriptors.OWN
    assert descriptors.connections_max(limits, 20, 1_024) == (1_024 - descriptors.OWN) // 2
    assert descriptors.connections_max(limits, 2, 10) == 1
    assert descriptors.connections_max(limits, 2, resource.RLIM_INFINITY) == 1_000


async def test_client_for_whom_there_is_no_file_left_is_told(
    make_rig: Callable[..., Awaitable[Rig]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is answered 503 before descriptors run out, and counted."""
    monkeypatch.setattr(relay, "open_files_max", lambda: descriptors.OWN + 4)
    rig = await make_rig()
    clients = [await rig.connect() for _ in range(2)]
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    status, fields, _ = await rig.send(request)
    assert (status, fields[b"retry-after"]) == (503, b"1")
    assert rig.proxy.limits_hit == {"connections_max": 1}
    for _, writer in clients:
        writer.close()


async def test_clients_far_over_the_bound_are_let_go_without_an_answer(
    make_rig: Callable[..., Awaitable[Rig]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer keeps a descriptor until it is read, so only a few more get one."""
    monkeypatch.setattr(downstream, "TURNED_AWAY_MAX", 1)
    rig = await make_rig(limits={"connections_max": 1})
    clients = [await rig.connect() for _ in range(3)]
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await read_answer(clients[2][0])
    assert (await read_answer(clients[1][0]))[0] == 503
    assert rig.proxy.limits_hit == {"connections_max": 2}
    for _, writer in clients:
        writer.close()


async def test_worker_raises_its_soft_limit() -> None:
    """Whatever the shell gave it, up to what the system allows."""
    code = (
        "import resource as r; from sidecar.proxy.descriptors import raise_open_files as go;"
        "hard = r.getrlimit(r.RLIMIT_NOFILE)[1]; r.setrlimit(r.RLIMIT_NOFILE, (200, hard)); go();"
        "print(r.getrlimit(r.RLIMIT_NOFILE) == (hard, hard))"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=-1)
    assert (await process.communicate())[0] == b"True\n"
