"""Folders in which only some distributions are installed, and programs that run there: for what a light install has."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import sidecar

NAME = re.compile(r"^[A-Za-z0-9._-]+")
EXTRA = re.compile(r"\bextra\s*==")
COMMAND = "import sys; sys.argv[0] = 'sidecar'; from sidecar.cli import main; main()"
"""The command line, as a program for ``alone``."""


def normalised(name: str) -> str:
    """One spelling of a distribution's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(*names: str) -> set[str]:
    """Distributions and all that they need here, without extras."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = normalised(waiting.pop())
        if name in found:
            continue
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:  # needed on another platform or Python only
            continue
        found.add(name)
        waiting += [match[0] for need in needs if not EXTRA.search(need) and (match := NAME.match(need))]
    return found


def installed(folder: Path, distributions: set[str]) -> Path:
    """``folder`` with the sidecar and these distributions in it, and nothing else."""
    (folder / "sidecar").symlink_to(Path(sidecar.__file__).parent)
    told = folder / "inference_sidecar-0.dist-info"
    told.mkdir()
    own = metadata.distribution("inference-sidecar")
    (told / "METADATA").write_text(own.read_text("METADATA") or own.read_text("PKG-INFO") or "")
    for name in distributions - {"inference-sidecar"}:
        distribution = metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            (folder / top).symlink_to(Path(str(distribution.locate_file(top))))
    return folder


def alone(folder: Path, code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A program where only what ``folder`` holds is installed."""
    return subprocess.run(
        [sys.executable, "-S", "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "120", **environment},
        check=False,
    )
