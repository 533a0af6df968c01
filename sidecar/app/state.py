"""What was set at run time: kept in ``settings.json`` of the data folder, so that it survives every restart.

The supervisor reads it when it starts a worker; the monitor writes it, whole and atomically, before a change is
answered. A file that can't be read is set aside, never a reason not to start.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sidecar.app.config import ExperimentConfig

log = structlog.get_logger()


class State(BaseModel):
    """``experiments``: those set through the API, or None where the configuration's hold. ``epochs``: by experiment,
    its definition and the epoch that began with it. ``version`` grows with every change; a fresh state begins at the
    present second, above whatever a lost one had reached."""

    model_config = ConfigDict(frozen=True)

    version: int = Field(default_factory=lambda: int(time.time()))
    experiments: tuple[ExperimentConfig, ...] | None = None
    epochs: dict[str, tuple[str, int]] = {}


def load_state(data_dir: Path) -> State:
    path = data_dir / "settings.json"
    try:
        return State.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return State()
    except OSError as error:
        log.error("settings_not_read", error=str(error))
        return State()
    except ValidationError as error:
        aside = path.with_name(f"settings.json.damaged-{int(time.time())}")
        log.error("settings_damaged", error=str(error), set_aside=str(aside))
        try:
            path.rename(aside)
        except OSError:
            log.error("settings_not_set_aside", path=str(path))
        return State()


def save_state(data_dir: Path, state: State) -> None:
    """Atomic and durable: the old file or the new one, never half of either. Raises OSError."""
    path = data_dir / "settings.json"
    partial = path.with_suffix(".json.partial")
    with partial.open("wb") as file:
        file.write(state.model_dump_json(indent=1).encode())
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
