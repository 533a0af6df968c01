"""Runs the tests in an environment of their own: ``python3 tests/run.py [arguments of pytest]``.

Standard library only, any Python from 3.11. Makes ``.venv-test`` beside pyproject.toml from the hashes in
tests/requirements.lock (again only when that lock, pyproject.toml or the interpreter changed), installs the project
into it, asks Debian for the tools that some tests drive (without them those tests skip and say so), and ends with
pytest's exit code. The lock is made by::

    uv pip compile --universal --generate-hashes --python-version 3.11 --extra test pyproject.toml \\
        -o tests/requirements.lock
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".venv-test"
LOCK = ROOT / "tests" / "requirements.lock"
TOOLS = {
    "nginx": "nginx-light",
    "wrk": "wrk",
    "prometheus": "prometheus",
    "curl": "curl",
    "slowhttptest": "slowhttptest",
    "chromium": "chromium",
    "chromedriver": "chromium-driver",
}
"""Program -> Debian's package."""
APT_SECONDS_MAX = 300
WAITING = (("tests/dashboard", "tests/cli", "tests/client"), ("tests/docs", "tests/interop", "tests/journeys"))
"""Where tests mostly wait, for a browser and for servers and whole sidecars: each of these runs beside all others."""


def main(arguments: list[str]) -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - any python3 may be asked to run this file
        print(f"tests/run.py needs Python 3.11 or newer, this is {sys.version.split()[0]}", file=sys.stderr)
        return 2
    try:
        python = prepare(ENVIRONMENT)
    except subprocess.CalledProcessError as error:
        print(f"tests/run.py: {' '.join(map(str, error.cmd))} ended with {error.returncode}", file=sys.stderr)
        return 2
    install_tools()
    # Programs of the environment (sidecar itself among them) are found by their names.
    environment = {**os.environ, "PATH": f"{python.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    environment.pop("PYTHONHOME", None)
    pytest = [str(python), "-m", "pytest"]
    if arguments or (os.cpu_count() or 1) < 2:
        return subprocess.run([*pytest, *arguments], cwd=ROOT, env=environment, check=False).returncode
    return side_by_side(pytest, environment)


def side_by_side(pytest: list[str], environment: dict[str, str]) -> int:
    """All tests in parts at once: those that mostly wait, and all others. What the servers and readers of tests/interop
    need is fetched meanwhile."""
    ahead = [
        pytest[0],
        "tests/kit/environments.py",
        *sorted(path.stem for path in (ROOT / "tests/interop").glob("*.lock")),
    ]
    with ExitStack() as files:
        fetching = subprocess.Popen(
            ahead, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        parts = []
        for folders in WAITING:
            told = files.enter_context(tempfile.TemporaryFile("w+"))
            command = [*pytest, "-p", "no:cacheprovider", *folders]
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=told, stderr=subprocess.STDOUT)
            parts.append((folders, told, process))
        other = [*pytest, *(f"--ignore={folder}" for folders in WAITING for folder in folders)]
        codes = [subprocess.run(other, cwd=ROOT, env=environment, check=False).returncode]
        codes += [process.wait() for _, _, process in parts]
        fetching.terminate()
        fetching.wait()
        for folders, told, _ in parts:
            told.seek(0)
            print(f"\n{' '.join(folders)}:\n{told.read()}", flush=True)
    return max(codes, key=abs)


def prepare(target: Path) -> Path:
    """The environment's python, with what the lock says and the project as an editable install."""
    python = target / "bin" / "python"
    stamp = target / "complete"
    state = fingerprint()
    if stamp.exists() and stamp.read_text() == state and python.exists():
        return python
    print(f"making {target.name} from {LOCK.relative_to(ROOT)} ...", flush=True)
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(target)], check=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--require-hashes", "-r", str(LOCK)], check=True)
    subprocess.run([*pip, "--no-deps", "-e", str(ROOT)], check=True)
    stamp.write_text(state)
    return python


def fingerprint() -> str:
    """Changes whenever the environment has to be made anew."""
    digest = hashlib.sha256(f"{sys.version}\n{sys.prefix}\n{ROOT}\n".encode())
    digest.update(LOCK.read_bytes())
    digest.update((ROOT / "pyproject.toml").read_bytes())
    return digest.hexdigest()


def install_tools() -> None:
    """As root on Debian: the missing programs. Whatever goes wrong is told and is no error."""
    search = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin{os.pathsep}/sbin"
    missing = [name for name in TOOLS if shutil.which(name, path=search) is None]
    if not missing:
        return
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        packages = [TOOLS[name] for name in missing]
        for command in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", *packages]):
            try:
                subprocess.run(
                    ["apt-get", *command], env=environment, timeout=APT_SECONDS_MAX, capture_output=True, check=False
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                print(f"apt-get {command[0]}: {error}", file=sys.stderr)
    missing = [name for name in missing if shutil.which(name, path=search) is None]
    if missing:
        print(f"not here: {', '.join(missing)}; the tests that drive them will skip", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
