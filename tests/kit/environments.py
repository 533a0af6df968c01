"""Virtual environments for servers and clients whose dependencies clash with the project's own.

Made on first use under ``.venv-servers/`` beside pyproject.toml from the lock in tests/interop, and used again as
long as that lock and the interpreter stay the same. Run as a script it makes them ahead of the tests:
``python tests/kit/environments.py mlserver litserve clients``.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "tests" / "interop"
FOLDER = ROOT / ".venv-servers"
INSTALL_SECONDS_MAX = 900
PYTHONS = {"mlserver": ("3.11", "3.12")}
"""The Python versions a server runs on, where not all that the project supports."""


class EnvironmentUnavailable(Exception):
    """Why an environment could not be made, in words for a skipped test."""


def environment(name: str) -> Path:
    """The ``python`` of the environment that ``tests/interop/NAME.lock`` describes; made if it isn't there.

    Raises EnvironmentUnavailable where it can't be made (no network, no fitting interpreter).
    """
    lock = LOCKS / f"{name}.lock"
    interpreter = _interpreter(name)
    version = _output([interpreter, "-c", "import sys; print(sys.version, sys.base_prefix)"])
    key = hashlib.sha256(lock.read_bytes() + version.encode()).hexdigest()[:16]
    target = FOLDER / key
    python = target / "bin" / "python"
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / f"{key}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # several test processes may ask at once
        if not (target / "complete").exists():
            shutil.rmtree(target, ignore_errors=True)
            _install(name, interpreter, target, lock)
            (target / "complete").write_text(name)
    return python


def _install(name: str, interpreter: str, target: Path, lock: Path) -> None:
    _output([interpreter, "-m", "venv", str(target)])
    pip = [str(target / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    _output([*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(lock)], about=f"environment {name}")


def _interpreter(name: str) -> str:
    versions = PYTHONS.get(name)
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    if versions is None or running in versions:
        return sys.executable
    for version in versions:
        found = shutil.which(f"python{version}")
        if found:
            return found
    raise EnvironmentUnavailable(f"{name} needs Python {' or '.join(versions)}, only {running} is here")


def _output(command: list[str], about: str = "") -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_SECONDS_MAX, env=environment, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentUnavailable(f"{about or command[0]}: {error}") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise EnvironmentUnavailable(f"{about or ' '.join(command[:3])}: {' '.join(lines[-2:])[:400]}")
    return done.stdout


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        print(wanted, environment(wanted))
