"""What every test may use: the folder of shared material, where it is present."""

import signal
from pathlib import Path

import pytest

# Where tests run in the background it may be ignored, and what they start would inherit that and not end by Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real models, photos and hostile messages; tests that need it skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared with real models and photos is not here")
    return SHARED
