"""A worker that is told to end, and a sidecar that is told so in the midst of it: no client is left to wait."""

from __future__ import annotations

import concurrent.futures
import os
import signal
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kit.sidecar import Answer, RunningSidecar, ask, running_sidecar, wait_for

ModelServer = Callable[[str], str]
PATIENCE = {"SIDECAR_LIMITS__DRAIN_GRACE_S": "120"}
"""What is in flight is not cut short, however long the processes beside it take to start."""
INFER = "/v2/models/det/infer"


@contextmanager
def under_way(sidecar: RunningSidecar, model: str) -> Iterator[concurrent.futures.Future[Answer]]:
    """A request that its model server answers once it is told to, at the end of the block at the latest."""
    ask(f"{model}/behave", b'{"held": true}')
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        slow = pool.submit(ask, sidecar.url(INFER), b"{}")
        try:
            wait_for(lambda: sidecar.metric("sidecar_requests_in_flight") == 1, what="the request in flight")
            yield slow
        finally:
            let_go(model)


def let_go(model: str) -> None:
    ask(f"{model}/behave", b'{"held": false}')


def end_worker(sidecar: RunningSidecar) -> int:
    """Tells the one there is; by now it accepts no more, and another has begun."""
    (worker,) = sidecar.pids("sidecar: worker 0")
    os.kill(worker, signal.SIGTERM)
    wait_for(lambda: len(sidecar.pids("sidecar: worker 0")) == 2, what="its successor")
    return worker


def test_successor_serves_while_a_worker_finishes_what_it_has(tmp_path: Path, model_server: ModelServer) -> None:
    """Clients of a sidecar with one worker do not wait for its drain."""
    model = model_server("one")
    with running_sidecar(tmp_path, ["--upstream", model], **PATIENCE) as sidecar:
        with under_way(sidecar, model) as slow:
            worker = end_worker(sidecar)
            assert ask(sidecar.url("/")).status == 200
            assert not slow.done()
            assert worker in sidecar.pids("sidecar: worker 0")
            let_go(model)
            assert slow.result().status == 200
        wait_for(lambda: worker not in sidecar.pids("sidecar: worker 0"), what="the end of the first")
        (told,) = sidecar.api("/api/v1/status")["workers"]
        assert (told["connected"], told["restarts"]) == (True, 1)


def test_sidecar_that_drains_after_its_worker_did_refuses_clients(tmp_path: Path, model_server: ModelServer) -> None:
    """As soon as nobody accepts, though what was in flight before is still under way, and answered."""
    model = model_server("one")
    with running_sidecar(tmp_path, ["--upstream", model], **PATIENCE) as sidecar, under_way(sidecar, model) as slow:
        end_worker(sidecar)
        sidecar.process.send_signal(signal.SIGTERM)
        wait_for(lambda: _refused(sidecar), what="a refusal")
        assert not slow.done()
        let_go(model)
        assert slow.result().status == 200
        assert sidecar.process.wait(60) == 0


def _refused(sidecar: RunningSidecar) -> bool:
    try:
        ask(sidecar.url("/"))
    except urllib.error.URLError as error:
        if not isinstance(error.reason, ConnectionRefusedError):
            pytest.fail(f"neither answered nor refused: {error}")
        return True
    return False
