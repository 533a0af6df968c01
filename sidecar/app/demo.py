"""``sidecar demo``: a detector, the sidecar in front of it, traffic and an A/B test, with nothing set up by hand."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sidecar.app.config import Config
from sidecar.app.load import load_config
from sidecar.app.supervisor import StartError, Supervisor, check_free

DETECTOR_START_S = 60.0
STOP_S = 5.0
MODEL_PATH = "/v2/models/digits/versions/{version}/infer"


async def run_demo(
    host: str,
    ports: dict[str, int],
    data_dir: Path | None,
    rate: float,
    announce: Callable[[Supervisor], None],
) -> None:
    """Until a signal. ``ports`` holds port, admin_port and health_port; ``rate`` is in requests/s.

    Without ``data_dir`` everything recorded goes with the end of the demo. Raises StartError.
    """
    for flag, address in (("port", host), ("admin_port", "127.0.0.1"), ("health_port", host)):
        check_free(address, ports[flag], f"--{flag.replace('_', '-')}")  # before seconds of training
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sidecar-demo-")))
        pools = scratch / "digits.npz"
        detector, port = await _start_detector(pools)
        try:
            config = _config(host, ports, data_dir or scratch / "data", port)
            supervisor = Supervisor(config, lambda: config)
            traffic: list[asyncio.subprocess.Process] = []

            def started(supervisor: Supervisor) -> None:
                announce(supervisor)
                begun.set()

            begun = asyncio.Event()
            feeder = asyncio.create_task(_feed(begun, supervisor, host, pools, rate, traffic))
            try:
                await supervisor.run(started, stopping=lambda: _close(traffic))
            finally:
                feeder.cancel()
                await asyncio.gather(*(_stop(process) for process in traffic))
        finally:
            await _stop(detector)


def _config(host: str, ports: dict[str, int], data_dir: Path, upstream_port: int) -> Config:
    url = f"http://127.0.0.1:{upstream_port}"
    versions = {"A": "1", "B": "2"}
    return load_config(
        None,
        {
            "listen": {"host": host, "port": ports["port"], "health_port": ports["health_port"]},
            "admin": {"port": ports["admin_port"]},
            "data_dir": data_dir,
            "upstreams": [
                {"name": name, "url": url, "version": version, "path": MODEL_PATH.format(version=version)}
                for name, version in versions.items()
            ],
            "experiments": [
                {
                    "name": "digits-v2",
                    "model": "digits",
                    "control": "A",
                    "treatment": "B",
                    "traffic_split": 0.5,
                    "unit": "header:X-Camera-Id",
                }
            ],
            "shadows": [{"name": "gate-v2", "model": "gate", "shadow": "B", "share": 1.0}],
            # the demo's day lasts two minutes, and every scene is composed anew: no two images depend on each other
            "models": [{"name": "*", "independent_images": True}],
            "drift": {"baseline_period": "20s", "window": "20s"},
            "alerts": {"default_window": "20s", "default_for": "5s", "interval": "5s"},
            "sampling": {"low_confidence": {"threshold": 0.6, "sample_rate": 0.3}, "random_sample": {"rate": 0.05}},
        },
    )


async def _start_detector(pools: Path) -> tuple[asyncio.subprocess.Process, int]:
    """The detector's process and its port. It trains both versions first, which takes seconds."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sidecar.demo.server", "--port", "0", "--pools", str(pools)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), DETECTOR_START_S)
        hello: dict[str, Any] = json.loads(line)
        return process, int(hello["port"])
    except (TimeoutError, ValueError, KeyError) as error:
        await _stop(process)
        raise StartError(
            "the demo's detector did not start; it needs the extra: pip install 'inference-sidecar[demo]'"
        ) from error


async def _feed(
    begun: asyncio.Event,
    supervisor: Supervisor,
    host: str,
    pools: Path,
    rate: float,
    traffic: list[asyncio.subprocess.Process],
) -> None:
    await begun.wait()
    url = f"http://{host}:{supervisor.port}"
    traffic.append(
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sidecar.demo.traffic"),
            *("--url", url, "--pools", str(pools), "--rate", str(rate)),
            stdin=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    )


def _close(processes: list[asyncio.subprocess.Process]) -> None:
    """The end of its standard input tells a child of the demo to finish."""
    for process in processes:
        if process.stdin is not None:
            process.stdin.close()


async def _stop(process: asyncio.subprocess.Process) -> None:
    _close([process])
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
