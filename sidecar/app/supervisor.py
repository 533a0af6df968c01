"""The supervisor: owns the data folder's lock and the listeners, starts the workers and the monitor, drains them.

Listeners are made here, one per worker with SO_REUSEPORT, and stay open across a worker's restarts: connections
that wait in a dead worker's queue are served by its successor instead of being reset.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import setproctitle
import structlog

from sidecar.app.compile import compile_settings
from sidecar.app.config import Config, while_running
from sidecar.app.lifecycle import Child
from sidecar.app.load import ConfigFaults
from sidecar.app.probes import Probes
from sidecar.app.state import load_state, save_state
from sidecar.link import settings_to_json

log = structlog.get_logger()

BACKLOG = 1_024
MONITOR_GRACE_S = 10.0
NEEDS_RESTART = ("listen", "admin", "data_dir", "stream", "retention", "log_format")
"""Settings that a reload does not take; all others follow it."""
STATUS_LINE_BYTES_MAX = 65_536
MALLOC_ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "33554432", "MALLOC_TRIM_THRESHOLD_": "134217728"}
"""Keeps glibc from giving memory back and faulting it in again with every 1 MB body: a factor of three there."""


class StartError(Exception):
    """The sidecar can't start here; the message says what would help."""


@dataclass(slots=True)
class WorkerSlot:
    """One worker's place: its listener outlives its processes."""

    index: int
    listener: socket.socket
    child: Child | None = None
    status: dict[str, Any] = field(default_factory=dict)


class Supervisor:
    """``reload`` reads the configuration anew (SIGHUP); it raises ConfigFaults and then nothing changes."""

    def __init__(self, config: Config, reload: Callable[[], Config]) -> None:
        self.config = config
        self._reload = reload
        self._slots: list[WorkerSlot] = []
        self._monitor: Child | None = None
        self._probes = Probes(self._readiness)
        self._draining = asyncio.Event()
        self._hurry = asyncio.Event()
        self._runtime = Path()
        self._lives: dict[str, asyncio.Task[None]] = {}
        self._readers: list[asyncio.Task[None]] = []

    @property
    def port(self) -> int:
        """The data port in use (it may have been asked for as 0)."""
        return int(self._slots[0].listener.getsockname()[1])

    async def run(
        self, started: Callable[[Supervisor], None] = lambda _: None, stopping: Callable[[], None] = lambda: None
    ) -> None:
        """Until a signal has asked to stop and all have drained. Raises StartError.

        ``started`` is called when everything has been started, ``stopping`` before the drain.
        """
        setproctitle.setproctitle("sidecar: supervisor")
        lock = _lock(self.config.data_dir)
        self._runtime = Path(tempfile.mkdtemp(prefix="sidecar-"))
        try:
            await self._start()
            started(self)
            await self._draining.wait()
            stopping()
            await self._drain()
        finally:
            for slot in self._slots:
                slot.listener.close()
            self._probes.close()
            shutil.rmtree(self._runtime, ignore_errors=True)
            lock.close()

    async def _start(self) -> None:
        save_state(self.config.data_dir, load_state(self.config.data_dir))
        listen, admin = self.config.listen, self.config.admin
        check_free(admin.host, admin.port, "--admin-port")
        self._slots = [WorkerSlot(index, sock) for index, sock in enumerate(_listeners(self.config))]
        try:
            await self._probes.start(listen.host, listen.health_port)
        except OSError as error:
            raise StartError(f"--health-port {listen.health_port}: {error.strerror}; another would do") from error
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self._hangup)
        for slot in self._slots:
            self._start_worker(slot)
        self._monitor = Child("monitor", "sidecar.app.monitor", self._monitor_hello)
        self._lives[self._monitor.name] = asyncio.create_task(self._monitor.run())

    def _start_worker(self, slot: WorkerSlot) -> None:
        reading, writing = os.pipe()
        os.set_inheritable(writing, True)
        slot.child = Child(
            f"worker {slot.index}",
            "sidecar.proxy.worker",
            lambda: self._worker_hello(slot, writing),
            descriptors=(slot.listener.fileno(), writing),
            environment=MALLOC_ENVIRONMENT,
            on_exit=slot.status.clear,
        )
        self._lives[slot.child.name] = asyncio.create_task(slot.child.run())
        self._readers.append(asyncio.create_task(_read_status(reading, slot)))

    def _worker_hello(self, slot: WorkerSlot, status_fd: int) -> bytes:
        settings = compile_settings(self.config, load_state(self.config.data_dir))
        hello = {
            "worker": slot.index,
            "listen_fd": slot.listener.fileno(),
            "status_fd": status_fd,
            "link": str(self._runtime / "link.sock"),
            "settings": json.loads(settings_to_json(settings)),
        }
        return json.dumps(hello).encode()

    def _monitor_hello(self) -> bytes:
        hello = {"config": json.loads(self.config.model_dump_json()), "link": str(self._runtime / "link.sock")}
        return json.dumps(hello).encode()

    def stop(self) -> None:
        """Drain; asked twice, hurry."""
        if self._draining.is_set():
            self._hurry.set()
        self._draining.set()

    def _hangup(self) -> None:
        """SIGHUP: read the configuration anew, unless it means that the terminal is gone."""
        if _lost_terminal():
            self.stop()
            return
        try:
            with while_running():
                config = self._reload()
        except ConfigFaults as error:
            log.error("reload_refused", faults=[str(fault) for fault in error.faults])
            return
        changed = [name for name in NEEDS_RESTART if getattr(config, name) != getattr(self.config, name)]
        if changed:
            log.warning("reload_needs_restart", settings=changed)
        self.config = config.model_copy(update={name: getattr(self.config, name) for name in NEEDS_RESTART})
        if self._monitor is not None:
            self._monitor.tell(self._monitor_hello())
        log.info("reloaded")

    def _readiness(self) -> tuple[bool, dict[str, object]]:
        """Ready: a worker accepts and an upstream is healthy. The monitor and the store have no say."""
        accepting = sum(bool(slot.status.get("accepting")) for slot in self._slots)
        upstreams: dict[str, bool] = {}
        for slot in self._slots:
            for name, up in slot.status.get("upstreams", {}).items():
                upstreams[name] = upstreams.get(name, False) or bool(up)
        ready = accepting > 0 and any(upstreams.values()) and not self._draining.is_set()
        facts = {"draining": self._draining.is_set(), "workers_accepting": accepting, "upstreams": upstreams}
        return ready, facts

    async def _drain(self) -> None:
        """Workers first, so that what they still ship is recorded; the monitor last."""
        log.info("draining")
        workers = [slot.child for slot in self._slots if slot.child is not None]
        limits = self.config.limits
        await self._finish(workers, limits.drain_delay_s + limits.drain_grace_s + 3.0)
        if self._monitor is not None:
            await self._finish([self._monitor], MONITOR_GRACE_S)
        for task in self._readers:
            task.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    async def _finish(self, children: list[Child], grace_s: float) -> None:
        for child in children:
            child.drain()
        hurry = asyncio.ensure_future(self._hurry.wait())
        ended: asyncio.Future[list[None]] = asyncio.gather(*(self._lives[child.name] for child in children))
        either: set[asyncio.Future[Any]] = {hurry, ended}
        await asyncio.wait(either, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        for child in children:
            if child.pid:
                log.warning("killed_while_draining", child=child.name)
                child.kill()
        await ended


async def _read_status(descriptor: int, slot: WorkerSlot) -> None:
    """Keep the slot's status as its worker tells it, a line of JSON each."""
    reader = asyncio.StreamReader(limit=STATUS_LINE_BYTES_MAX)
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    while line := await reader.readline():
        with contextlib.suppress(ValueError, TypeError):
            slot.status.update(json.loads(line))


def _lock(data_dir: Path) -> IO[str]:
    """The data folder, made if need be and locked for this process. Raises StartError."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (data_dir / "lock").open("a+")
    except OSError as error:
        raise StartError(f"--data-dir {data_dir}: {error.strerror}; name a folder that can be written") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise StartError(f"--data-dir {data_dir}: in use by another sidecar (process {holder})") from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def check_free(host: str, port: int, flag: str) -> None:
    """Raises StartError where the port is taken; the monitor, which will bind it, could only log that."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        raise StartError(f"{flag} {port}: {error.strerror}; another would do") from error


def _listeners(config: Config) -> list[socket.socket]:
    """A listening socket per worker on one port. Raises StartError where the port is taken, even by a sidecar."""
    host, port = config.listen.host, config.listen.port
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as trial:  # without SO_REUSEPORT, which would share another's port
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            address = (address[0], trial.getsockname()[1], *address[2:])
        listeners = []
        for _ in range(config.listen.workers):
            sock = socket.socket(family)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sock.bind(address)
            sock.listen(BACKLOG)
            sock.setblocking(False)
            sock.set_inheritable(True)
            listeners.append(sock)
    except OSError as error:
        raise StartError(f"--host {host} --port {port}: {error.strerror}; another would do") from error
    return listeners


def _lost_terminal() -> bool:
    """True where the hang-up means that the controlling terminal has gone away."""
    try:
        with open("/dev/tty"):
            return False
    except OSError as error:
        return error.errno == errno.EIO
