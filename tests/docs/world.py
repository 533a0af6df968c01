"""What the examples of a page speak of: a sidecar with a past, model servers behind it, and a folder for the shell."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
from PIL import Image

from sidecar import Client
from tests.docs.past import MODELS
from tests.kit.ports import free_ports
from tests.kit.sidecar import START_S, ask, running_sidecar, wait_for

KIT = Path(__file__).resolve().parents[1] / "kit"
UPSTREAMS = {"8000": ("A", "1"), "9000": ("B", "2"), "9001": ("C", "3")}
"""The ports of the model servers, as pages write them, with the names and versions of their upstreams."""
DATA, ADMIN, HEALTH = "8080", "8081", "8082"
PICTURES = 6
"""Of each model."""
LAST_DAY = date(2024, 2, 29)
"""Days on the pages are moved so that this one is the last of the past."""
_DAY = re.compile(r"2024-0[12]-[0-3][0-9]")


def picture(number: int) -> bytes:
    """A picture like no other, as JPEG."""
    written = io.BytesIO()
    image = Image.effect_noise((480, 320), 30 + number).convert("RGB")
    image.paste((number * 37 % 256, 90, 160), (40 + number * 20, 60, 200, 220))
    image.save(written, "JPEG")
    return written.getvalue()


@contextlib.contextmanager
def model_servers(folder: Path) -> Iterator[dict[str, int]]:
    """One process for each upstream; gives the port that each port of the pages stands for."""
    ports = dict(zip(UPSTREAMS, free_ports(len(UPSTREAMS)), strict=True))
    processes = []
    try:
        for written, port in ports.items():
            command = [sys.executable, str(KIT / "model_server.py"), str(port), UPSTREAMS[written][1]]
            with (folder / f"model-server-{written}.log").open("wb") as log:
                processes.append(subprocess.Popen(command, stdout=log, stderr=log))
        for port in ports.values():
            wait_for(partial(answers, f"http://127.0.0.1:{port}/"), START_S, "the model server")
        yield ports
    finally:
        for process in processes:
            process.kill()
            process.wait(30)


def answers(url: str) -> bool:
    with contextlib.suppress(OSError):
        return ask(url).status == 200
    return False


@dataclass
class World:
    """One page's world, with a ``past`` of whole days before that of ``until``. ``names`` is what its Python blocks
    share, ``ports`` what stands for the ports it writes."""

    home: Path
    past: Path
    until: float
    ports: dict[str, int]
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "example"})
    serving: subprocess.Popen[bytes] | None = None
    failed: str = ""
    _ends: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        (self.folder / "photo.jpg").write_bytes(picture(99))
        (self.folder / "rules.yaml").write_text("random_sample: {rate: 0.05}\n")

    @property
    def folder(self) -> Path:
        """Where the page's shell is."""
        return self.home / "shell"

    def begin(self) -> None:
        """Start the sidecar that the page speaks of, with a copy of the past, unless one runs already."""
        assert not self.failed, self.failed
        if ADMIN not in self.ports:
            try:
                self._begin()
            except BaseException as error:
                self.failed = f"no world for this page: {error!r}, see {self.home / 'sidecar.log'}"
                raise

    def _begin(self) -> None:
        shutil.copytree(self.past, self.home / "data")
        (self.home / "world.json").write_text(json.dumps(settings(self.ports)))  # JSON is YAML
        sidecar = self._ends.enter_context(running_sidecar(self.home, ["--config", str(self.home / "world.json")]))
        self.ports |= {DATA: sidecar.port, ADMIN: sidecar.admin_port, HEALTH: sidecar.health_port}
        with Client(f"http://127.0.0.1:{sidecar.admin_port}") as client:
            self.names |= _happen(sidecar.port, client)

    def end(self) -> None:
        """End every process of this world."""
        self.end_serving()
        self._ends.close()

    def told(self, text: str) -> str:
        """A block's text with the ports and days of this world."""
        moved = datetime.fromtimestamp(self.until, UTC).date() - timedelta(days=1) - LAST_DAY
        text = _DAY.sub(lambda found: str(date.fromisoformat(found[0]) + moved), text)
        return re.sub(r"\b(" + "|".join(self.ports) + r")\b", lambda found: str(self.ports[found[0]]), text)

    def environment(self) -> dict[str, str]:
        """Of a shell: the installed commands come first, and they ask this world's sidecar."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        asked = {"SIDECAR_URL": f"http://127.0.0.1:{self.ports[ADMIN]}"} if ADMIN in self.ports else {}
        return {**os.environ, "PATH": path, "HOME": str(self.folder), "COLUMNS": "120", **asked}

    def serve(self, script: str, goes_on: bool) -> None:
        """Run a script that ends in a sidecar of its own until that proxies, and end it, or have it take this one's
        place for the blocks to come."""
        self.end_serving()
        written = dict(zip((DATA, ADMIN, HEALTH), free_ports(3), strict=True))
        variables = ("SIDECAR_LISTEN__PORT", "SIDECAR_ADMIN__PORT", "SIDECAR_LISTEN__HEALTH_PORT")
        environment = {**self.environment(), **dict(zip(variables, map(str, written.values()), strict=True))}
        log = self.folder / "serving.log"
        with log.open("wb") as output:
            self.serving = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", script],
                cwd=self.folder,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            wait_for(lambda: self._relays(log, written[HEALTH], written[DATA]), START_S, "a sidecar that relays")
        except TimeoutError as error:
            raise AssertionError(f"{error}: {log.read_text()[-2000:]}") from None
        if goes_on:
            self.ports |= written
        else:
            self.end_serving()

    def _relays(self, log: Path, health: int, data: int) -> bool:
        assert self.serving is not None
        assert self.serving.poll() is None, log.read_text()[-4000:]
        return answers(f"http://127.0.0.1:{health}/readyz") and answers(f"http://127.0.0.1:{data}/")

    def end_serving(self) -> None:
        if self.serving is not None:
            os.killpg(self.serving.pid, signal.SIGTERM)
            self.serving.wait(60)
            self.serving = None


def send(port: int, model: str, content: bytes, request_id: str) -> httpx2.Response:
    """One picture through the data port, as the README does it."""
    tensor = {"name": "image", "datatype": "BYTES", "shape": [1], "data": [base64.b64encode(content).decode()]}
    url = f"http://127.0.0.1:{port}/v2/models/{model}/infer"
    return httpx2.post(url, json={"inputs": [tensor]}, headers={"X-Request-Id": request_id}, timeout=60)


def settings(ports: Mapping[str, int]) -> dict[str, Any]:
    """The configuration of a world: all pictures are kept, feedback is open, a trainer is there."""
    upstreams = [
        {"name": name, "url": f"http://127.0.0.1:{ports[written]}", "version": version}
        for written, (name, version) in UPSTREAMS.items()
    ]
    command = [sys.executable, str(KIT / "loop_trainer.py"), "{dataset}", "{output}"]
    return {
        "upstreams": upstreams,
        "sampling": {"random_sample": {"rate": 1.0}, "near_duplicates": {"enabled": False}},
        "feedback": {"path": "/feedback"},
        "trainers": [{"name": "local", "command": command, "upstream": {"url": upstreams[1]["url"]}}],
    }


def _happen(port: int, client: Client) -> dict[str, Any]:
    """A few pictures of each model came just now, were kept, and are labeled but for the last two; what a program that
    sent the last one has."""
    for model in MODELS:
        for number in range(PICTURES):
            response = send(port, model, picture(number), f"{model}-{number}")
    for model in MODELS:
        wait_for(partial(_all_kept, client, model), what=f"{PICTURES} pictures of {model} kept")
        wait_for(partial(client.baselines, model), what=f"the baseline of {model}'s past")
        for _ in range(PICTURES - 2):
            item = client.claim_next_item(model, by="ann", queue="audit")
            assert item is not None
            client.confirm_item(item.id, by="ann")
    return {"response": response, "prediction_id": response.headers["X-Prediction-Id"]}


def _all_kept(client: Client, model: str) -> bool:
    return any(dataset.id == model and dataset["items"] == PICTURES for dataset in client.datasets())
