"""What every test may use: the folder of shared material, where it is present."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web_app
from hypothesis import HealthCheck, settings

# What a test says is to follow from the code alone: not from the machine's pace, and not from the examples that were
# drawn this time. `--hypothesis-profile=search` draws others.
LASTING = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", LASTING, derandomize=True, database=None)
settings.register_profile("search", LASTING, max_examples=1_000)
settings.load_profile("same")

# Where tests run in the background it may be ignored, and what they start would inherit that and not end by Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(autouse=True)
def _no_application_stays() -> Iterator[None]:
    """aiohttp keeps the last thousand handlers that it built, each with its application and all a sidecar holds: they
    would come to over a gigabyte, and to collections of garbage that take seconds."""
    yield
    web_app._cached_build_middleware.cache_clear()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real models, photos and hostile messages; tests that need it skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared with real models and photos is not here")
    return SHARED
