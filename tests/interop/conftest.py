"""Fixtures of the tests that run real model servers behind a real sidecar."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

collect_ignore_glob = ["servers/*", "clients/*"]  # they run in environments of their own
ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # where pytest was not started as `python -m pytest`
    sys.path.insert(0, str(ROOT))

from tests.kit.environments import EnvironmentUnavailable, environment  # noqa: E402
from tests.kit.fastestdet import FastestDet  # noqa: E402


@pytest.fixture(scope="session")
def python_of() -> Callable[[str], str]:
    """The interpreter of one of the environments of tests/kit/environments.py; skips where it can't be made."""

    def find(name: str) -> str:
        try:
            return str(environment(name))
        except EnvironmentUnavailable as error:
            pytest.skip(f"no environment for {name}: {error}")

    return find


@pytest.fixture(scope="session")
def fastestdet_files(shared: Path) -> tuple[Path, Path]:
    """(weights, class names)."""
    folder = shared / "data" / "models" / "fastestdet"
    if not (folder / "FastestDet.onnx").is_file():
        pytest.skip("the weights of FastestDet are not in ../shared")
    return folder / "FastestDet.onnx", folder / "coco.names"


@pytest.fixture(scope="session")
def int8_weights(fastestdet_files: tuple[Path, Path]) -> Path:
    """The same detector, quantised."""
    weights = fastestdet_files[0].with_name("FastestDet-int8.onnx")
    if not weights.is_file():
        pytest.skip("the quantised weights of FastestDet are not in ../shared")
    return weights


@pytest.fixture(scope="session")
def detector(fastestdet_files: tuple[Path, Path]) -> FastestDet:
    """The same detector as in the servers, in the test's process: what their answers are checked against."""
    return FastestDet(*fastestdet_files)


@pytest.fixture(scope="session")
def photos(shared: Path) -> list[Path]:
    """Six photos with several kinds of objects."""
    found = sorted((shared / "data" / "photos" / "B_voc_rodm" / "images").glob("*.jpg"))[:6]
    if not found:
        pytest.skip("the photos are not in ../shared")
    return found


@pytest.fixture(scope="session")
def curl() -> str:
    program = shutil.which("curl")
    if program is None:
        pytest.skip("curl is not installed")
    return program
