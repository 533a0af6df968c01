"""The clients that the tests ask with, each as a process of its own, and the checks that all answers share."""

from __future__ import annotations

import base64
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.kit.fastestdet import Found

CLIENTS = Path(__file__).parent / "clients"
ASK_SECONDS_MAX = 180


@dataclass(frozen=True)
class Answer:
    """``body`` as it came over the wire; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask_httpx(python: str, url: str, content_type: str, file: Path) -> Answer:
    printed = json.loads(_run([python, str(CLIENTS / "httpx_post.py"), url, content_type, str(file)]))
    return Answer(printed["status"], printed["headers"], base64.b64decode(printed["body"]))


def ask_curl(program: str, url: str, folder: Path, *arguments: str) -> Answer:
    """``arguments`` say what is posted: -F file=@..., or --data-binary @... with -H."""
    head, body = folder / "curl.head", folder / "curl.body"
    _run([program, "-sS", "-D", str(head), "-o", str(body), *arguments, url])
    last = head.read_text().replace("\r\n", "\n").strip().split("\n\n")[-1]  # behind a 100 Continue
    status, *fields = last.split("\n")
    pairs = (field.split(":", 1) for field in fields)
    return Answer(int(status.split()[1]), {name.lower(): value.strip() for name, value in pairs}, body.read_bytes())


def ask_triton(python: str, address: str, model: str, photos: list[Path]) -> list[dict[str, Any]]:
    return list(json.loads(_run([python, str(CLIENTS / "triton_infer.py"), address, model, *map(str, photos)])))


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=ASK_SECONDS_MAX, check=False)
    assert done.returncode == 0, f"{command}:\n{done.stderr[-3000:]}"
    return done.stdout


def assert_recorded(recorded: dict[str, Any], found: Found, names: list[str]) -> None:
    """What the sidecar recorded of one image is what the detector found in it."""
    detections = recorded["detections"]
    assert len(detections) == len(found.boxes)
    assert [item["label"] for item in detections] == [names[index] for index in found.classes]
    np.testing.assert_allclose([item["confidence"] for item in detections], found.scores, atol=2e-5)
    boxes = np.array([item["box"] for item in detections], float).reshape(-1, 4)
    np.testing.assert_allclose(boxes, found.boxes, atol=2e-3)
    assert not any(item["normalised"] for item in detections)
