"""The supervisor: owns the data folder's lock and the listeners, starts the workers and the monitor, drains them.

Listeners are made here, one per worker with SO_REUSEPORT; each is a ``WorkerSlot``'s, which has a worker at it.
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
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import setproctitle

from sidecar.app.changes import changed_paths, section_of
from sidecar.app.compile import compile_settings
from sidecar.app.config import Config, while_running
from sidecar.app.lifecycle import Child
from sidecar.app.load import ConfigFaults
from sidecar.app.logs import LazyLog
from sidecar.app.probes import Probes
from sidecar.app.state import load_state, save_state
from sidecar.app.tls_config import ended_certificates, unverified
from sidecar.app.worker_slot import WorkerSlot
from sidecar.link import settings_to_json
from sidecar.proxy.descriptors import connections_max, open_files_max
from sidecar.proxy.drain import longest_s
from sidecar.types import Limits

log = LazyLog()

BACKLOG = 1_024
DRAIN_MARGIN_S = 3.0
"""What workers may take beyond the longest drain: for the start, where one had just begun, and for the exit."""
MONITOR_GRACE_S = 10.0
NEEDS_RESTART = ("listen", "admin", "data_dir", "stream", "retention", "log_format")
"""Settings that a reload does not take; all others follow it."""
OPEN_POLL_S = 0.1
"""How soon it is noticed that the admin port answers."""
MONITOR_AFTER_S = 1.0
"""How long the monitor's start waits for a worker that accepts: its imports would take the worker's processor."""
MONITOR = "sidecar.app.monitor_process"
MONITOR_NICENESS = 5
"""Proxied traffic goes first where both want the same core."""


class StartError(Exception):
    """The sidecar can't start here; the message says what would help."""


class Supervisor:
    """``reload`` reads the configuration anew (SIGHUP); it raises ConfigFaults and then nothing changes."""

    def __init__(self, config: Config, reload: Callable[[], Config]) -> None:
        self.config = config
        self._reload = reload
        self._slots: list[WorkerSlot] = []
        self._monitor: Child | None = None
        self._probes = Probes(self._readiness)
        self._draining = asyncio.Event()
        self._accepting = asyncio.Event()
        self._hurry = asyncio.Event()
        self._runtime = Path()
        self._monitor_life: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The data port in use (it may have been asked for as 0)."""
        return int(self._slots[0].listener.getsockname()[1])

    async def run(
        self,
        started: Callable[[Supervisor], None] = lambda _: None,
        stopping: Callable[[], None] = lambda: None,
        opened: Callable[[Supervisor], None] = lambda _: None,
    ) -> None:
        """Until a signal has asked to stop and all have drained. Raises StartError.

        ``started`` is called when everything has been started, ``opened`` when the admin port answers, which its
        monitor's start takes seconds to do, ``stopping`` before the drain.
        """
        setproctitle.setproctitle("sidecar: supervisor")
        lock = _lock(self.config.data_dir)
        self._runtime = Path(tempfile.mkdtemp(prefix="sidecar-"))
        try:
            await self._start()
            started(self)
            opening = asyncio.create_task(self._tell_of_admin_port(opened))
            await self._draining.wait()
            opening.cancel()
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
        _warn(self.config)
        check_free(admin.host, admin.port, "--admin-port")
        self._slots = [
            WorkerSlot(index, sock, self._worker_hello, self._accepting.set)
            for index, sock in enumerate(_listeners(self.config))
        ]
        try:
            await self._probes.start(listen.host, listen.health_port)
        except OSError as error:
            raise StartError(f"--health-port {listen.health_port}: {error.strerror}; another would do") from error
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self._hangup)
        for slot in self._slots:
            slot.start()
        self._monitor = Child("monitor", MONITOR, self._monitor_hello, niceness=MONITOR_NICENESS)
        self._monitor_life = asyncio.create_task(self._run_monitor(self._monitor))

    async def _run_monitor(self, monitor: Child) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._accepting.wait(), MONITOR_AFTER_S)
        await monitor.run()

    async def _tell_of_admin_port(self, opened: Callable[[Supervisor], None]) -> None:
        """As soon as it takes connections; where it never does, the monitor's log says why."""
        admin = self.config.admin
        while not await _listens(admin.host, admin.port):  # noqa: ASYNC110 - another process opens it
            await asyncio.sleep(OPEN_POLL_S)
        opened(self)

    def _worker_hello(self, index: int) -> bytes:
        settings = compile_settings(self.config, load_state(self.config.data_dir))
        hello = {
            "worker": index,
            "link": str(self._runtime / "link.sock"),
            "settings": json.loads(settings_to_json(settings)),
        }
        return json.dumps(hello).encode()

    def _monitor_hello(self) -> bytes:
        hello = {
            "config": json.loads(self.config.model_dump_json()),
            "came_from": dict(self.config.came_from),
            "link": str(self._runtime / "link.sock"),
        }
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
            with while_running(self.config):
                config = self._reload()
        except ConfigFaults as error:
            log.error("reload_refused", faults=[str(fault) for fault in error.faults])
            return
        changed = [
            path
            for name in NEEDS_RESTART
            for path in changed_paths(getattr(self.config, name), getattr(config, name), name)
        ]
        if changed:
            log.warning("reload_needs_restart", settings=changed)
        origins = {
            path: origin
            for (path, origin), stays in (
                *((entry, True) for entry in self.config.came_from.items()),
                *((entry, False) for entry in config.came_from.items()),
            )
            if (section_of(path) in NEEDS_RESTART) == stays
        }
        kept = config.model_copy(update={name: getattr(self.config, name) for name in NEEDS_RESTART})
        self.config = kept.told_from(origins)
        _warn(self.config)
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
        for slot in self._slots:
            slot.drain()
        log.info("draining")
        limits = self.config.limits
        lives = {child: life for slot in self._slots for child, life in slot.lives.items()}
        await self._finish(lives, longest_s(limits.drain_delay_s, limits.drain_grace_s) + DRAIN_MARGIN_S)
        for slot in self._slots:
            slot.listener.close()
        self._accepting.set()
        if self._monitor is not None and self._monitor_life is not None:
            await self._finish({self._monitor: self._monitor_life}, MONITOR_GRACE_S)

    async def _finish(self, lives: Mapping[Child, asyncio.Task[None]], grace_s: float) -> None:
        for child in lives:
            child.drain()
        hurry = asyncio.ensure_future(self._hurry.wait())
        ended: asyncio.Future[list[None]] = asyncio.gather(*lives.values())
        either: set[asyncio.Future[Any]] = {hurry, ended}
        await asyncio.wait(either, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        for child in lives:
            if child.pid:
                log.warning("killed_while_draining", child=child.name)
                child.kill()
        await ended


def _warn(config: Config) -> None:
    """Of what is allowed and may not be meant."""
    room = connections_max(replace(Limits(), **config.limits.model_dump()), len(config.upstreams), open_files_max(True))
    if room < config.limits.connections_max:
        log.warning(
            "connections_max_above_open_files",
            connections_max=config.limits.connections_max,
            possible=room,
            means="a worker turns away further clients with 503",
            instead="a higher hard limit of open files (ulimit -Hn), or a lower limits.connections_max",
        )
    for place, days_ago in ended_certificates(config.listen, config.admin, config.upstreams, time.time()):
        log.warning(
            "CERTIFICATE_ENDED",
            setting=place,
            days_ago=days_ago,
            means="whoever checks it refuses the connection",
            instead="put a certificate that holds in its place: it is taken up without a restart",
        )
    for name in unverified(config.upstreams):
        log.warning(
            "UPSTREAM_CERTIFICATE_NOT_VERIFIED",
            upstream=name,
            means="whoever stands between can read the images and answer in its place",
            instead=f"tls_ca_file, and tls_verify not false, for upstream {name}",
        )


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


async def _listens(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


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
