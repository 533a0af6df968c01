"""``sidecar demo``: a detector, the sidecar in front of it and traffic, with nothing set up by hand.

Until a signal; or as long as a ``Play`` lasts, which may order the traffic and ask the sidecar while it runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sidecar.app.config import Config
from sidecar.app.demo_config import BASELINE_DAYS, demo_config, loop_config
from sidecar.app.demo_logs import Aside, logs_aside
from sidecar.app.demo_past import gather_answers, record_past
from sidecar.app.supervisor import StartError, Supervisor, check_free

DETECTOR_START_S = 180.0
STOP_S = 5.0
DEMO, LOOP = "demo", "demo-loop"
"""Folders of the data folder, for what versions trained there need."""
INTERRUPTED = 130
"""The exit code of a play that was stopped before its end."""


@dataclass(frozen=True, slots=True)
class Setting:
    """``ports`` holds port, admin_port and health_port; ``rate`` is in requests/s, ``traffic`` more of what the traffic
    is told; ``past_days`` of traffic before its start are recorded first. Without ``data_dir`` everything recorded goes
    with the end of the demo."""

    host: str
    ports: dict[str, int]
    data_dir: Path | None = None
    rate: float = 20.0
    seed: int = 1
    traffic: Sequence[str] = ()
    past_days: int = 0


@dataclass(frozen=True, slots=True)
class Backstage:
    """What a play works with: the sidecar's admin port, the file that gets what is in each scene, and a way to order
    the traffic, a line each."""

    admin_url: str
    truth: Path
    tell: Callable[[str], None]


Play = Callable[[Backstage], Coroutine[Any, Any, int]]
"""Gives the exit code."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How the demo says what it is at: ``doing`` gets each thing that takes seconds before it begins, ``opened`` the
    sidecar once all of it answers."""

    doing: Callable[[str], None]
    opened: Callable[[Supervisor], None]


async def run_demo(setting: Setting, telling: Telling, play: Play | None = None, stay: bool = False) -> int:
    """Until a signal, or without ``stay`` until ``play`` has ended; the exit code. Raises StartError.

    Of a play the sidecar knows the first version only; what else it serves has to be trained.
    """
    _check(setting, play)
    task = asyncio.current_task()
    assert task is not None
    _on_signals(task.cancel)  # until the supervisor has its own: so that what was begun ends too
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sidecar-demo-")))
        home = scratch if setting.data_dir is None else _made(setting.data_dir, DEMO if play is None else LOOP)
        aside = stack.enter_context(logs_aside(home / "log")) if play is not None else Aside()
        run = _Run(setting, scratch, home, play)
        try:
            code = await run.whole(telling, stay)
            aside.wanted = code not in (0, INTERRUPTED)
            return code
        finally:
            await asyncio.gather(*map(_stop, run.processes))


@dataclass(slots=True)
class _Run:
    """``home`` is the folder of what trained versions need, ``scratch`` that of what goes with this run."""

    setting: Setting
    scratch: Path
    home: Path
    play: Play | None
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    @property
    def pools(self) -> Path:
        return self.home / "digits.npz"

    @property
    def models(self) -> Path:
        return self.home / "models"

    async def whole(self, telling: Telling, stay: bool) -> int:
        versions = "two versions" if self.play is None else "the first version"
        telling.doing(f"training {versions} of the demo's detector")
        port = await self._start_detector()
        config = self._config(port)
        if days := self.setting.past_days:
            telling.doing(f"making {days} {'day' if days == 1 else 'days'} of history")
            await self._record_past(config, f"http://127.0.0.1:{port}")
        telling.doing("starting the sidecar")
        supervisor = Supervisor(config, lambda: config)
        begun = asyncio.Event()
        performance = asyncio.create_task(self._perform(begun, supervisor))

        def started(supervisor: Supervisor) -> None:
            begun.set()
            if self.play is not None:
                _on_signals(lambda: supervisor.stop() if performance.cancelling() else _end(performance, supervisor))

        def performed(task: asyncio.Task[int]) -> None:
            if task.cancelled() or task.exception() is not None or (self.play is not None and not stay):
                supervisor.stop()

        def stopping() -> None:
            performance.cancel()
            _close(self.processes[1:])

        performance.add_done_callback(performed)
        try:
            await supervisor.run(started, stopping, telling.opened)
        finally:
            performance.cancel()
            await asyncio.wait([performance])
        return INTERRUPTED if performance.cancelled() else performance.result()

    def _config(self, upstream_port: int) -> Config:
        setting, url = self.setting, f"http://127.0.0.1:{upstream_port}"
        data_dir = setting.data_dir or self.scratch / "data"
        trainer = [
            *(sys.executable, "-m", "sidecar.demo.trainer", "--seed", str(setting.seed)),
            *("--dataset", "{dataset}", "--output", "{output}", "--base", "{base_model}"),
            *("--pools", str(self.pools.resolve()), "--models", str(self.models.resolve())),
        ]
        if self.play is not None:
            return loop_config(setting.host, setting.ports, data_dir, url, trainer)
        has_past = setting.past_days >= BASELINE_DAYS
        return demo_config(setting.host, setting.ports, data_dir, url, trainer, has_past=has_past)

    async def _record_past(self, config: Config, url: str) -> None:
        setting = self.setting
        config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        answers = await gather_answers(url, self.pools, setting.seed)
        await record_past(config.data_dir, config, answers, setting.past_days, time.time(), setting.seed)

    async def _start_detector(self) -> int:
        """The port that the detector's process listens on. It trains its versions first, which takes seconds.

        Versions that are kept with their data are looked for where they were served before.
        """
        kept = self.home / "port"
        written = kept.read_text() if kept.is_file() else ""
        port = int(written) if written.isdecimal() else 0
        if port:
            check_free("127.0.0.1", port, f"--data-dir {self.setting.data_dir}: its versions are served on port")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sidecar.demo.server", "--port", str(port), "--pools", str(self.pools)),
            *("--models", str(self.models), "--versions", "1,2" if self.play is None else "1"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        self.processes.append(process)
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), DETECTOR_START_S)
            hello: dict[str, Any] = json.loads(line)
            kept.write_text(str(hello["port"]))
            return int(hello["port"])
        except asyncio.CancelledError:
            process.terminate()  # while it trains it does not hear of the end of its input
            raise
        except (TimeoutError, ValueError, KeyError) as error:
            raise StartError(
                "the demo's detector did not start; it needs the extra: pip install 'inference-sidecar[demo]'"
            ) from error

    async def _perform(self, begun: asyncio.Event, supervisor: Supervisor) -> int:
        await begun.wait()
        setting, truth = self.setting, self.scratch / "truth.jsonl"
        traffic = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sidecar.demo.traffic", "--url", f"http://{setting.host}:{supervisor.port}"),
            *("--pools", str(self.pools), "--rate", str(setting.rate), "--seed", str(setting.seed)),
            *(setting.traffic if self.play is None else (*setting.traffic, "--truth", str(truth))),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,  # its counts at the end
            start_new_session=True,
        )
        self.processes.append(traffic)
        if self.play is None:
            return 0

        def tell(line: str) -> None:
            if traffic.stdin is not None:
                traffic.stdin.write(f"{line}\n".encode())

        admin = supervisor.config.admin
        return await self.play(Backstage(f"http://{admin.host}:{admin.port}", truth, tell))


def _check(setting: Setting, play: Play | None) -> None:
    """What can be said before seconds of training. Raises StartError."""
    for flag, address in (("port", setting.host), ("admin_port", "127.0.0.1"), ("health_port", setting.host)):
        check_free(address, setting.ports[flag], f"--{flag.replace('_', '-')}")
    if setting.data_dir is None:
        return
    if play is not None and (setting.data_dir / "settings.json").exists():
        raise StartError(f"--data-dir {setting.data_dir}: holds data already, --loop begins with an empty folder")
    if setting.past_days and (setting.data_dir / "settings.json").exists():
        raise StartError(f"--data-dir {setting.data_dir}: holds data already, --past begins with an empty folder")
    if play is None and (setting.data_dir / LOOP).exists():
        raise StartError(f"--data-dir {setting.data_dir}: holds what --loop recorded, another folder would do")


def _made(data_dir: Path, name: str) -> Path:
    """The folder of that name in the data folder. Raises StartError."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        (data_dir / name).mkdir(exist_ok=True)
    except OSError as error:
        raise StartError(f"--data-dir {data_dir}: {error.strerror}; name a folder that can be written") from error
    return data_dir / name


def _on_signals(do: Callable[[], object]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, do)


def _end(performance: asyncio.Task[int], supervisor: Supervisor) -> None:
    """The play first, which may have to take back what it began; the sidecar follows."""
    if not performance.cancel():
        supervisor.stop()


def _close(processes: Sequence[asyncio.subprocess.Process]) -> None:
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
