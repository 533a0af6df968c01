"""Code that a program wrote, in the style of the project."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CLIENT = Path(__file__).resolve().parents[2] / "sidecar" / "client"


def tidied(code: str, rules: str = "F401,I,UP028") -> str:
    """``code`` without imports it does not need, those in order, and its lines broken where the style breaks them."""
    ruff = [sys.executable, "-m", "ruff"]
    fix = [*ruff, "check", "-q", "--fix-only", "--unsafe-fixes", "--select", rules]
    # said here, since a module that is not written yet is taken for somebody else's
    fix += ["--config", "lint.isort.known-first-party = ['sidecar']"]
    for command in (fix, [*ruff, "format", "-q"]):
        command = [*command, "--stdin-filename", str(CLIENT / "made.py"), "-"]
        code = subprocess.run(command, input=code, capture_output=True, text=True, check=True).stdout
    return code
