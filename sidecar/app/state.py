"""What was set at run time: kept in ``settings.json`` of the data folder, so that it survives every restart.

The supervisor reads it when it starts a worker; the monitor writes it, whole and atomically, before a change is
answered. A file that can't be read is set aside, never a reason not to start.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sidecar.app.logs import LazyLog

log = LazyLog()


class Declared(BaseModel):
    """A test of the configuration: its definition (JSON) and the id of the test it became."""

    model_config = ConfigDict(frozen=True)

    definition: str
    trial_id: str


class Registered(BaseModel):
    """Where a version of a model is served: an upstream beside those of the configuration.

    ``name`` is given to it when it is registered; ``job_id`` is the job that trained it ("": a person registered it),
    whose ``output`` within the data folder is what was trained ("": elsewhere)."""

    model_config = ConfigDict(frozen=True)

    model: str
    version: str
    url: str
    path: str = ""
    name: str = ""
    job_id: str = ""
    output: str = ""


class Engine(BaseModel):
    """How images of a model are chosen, and which dataset they go to (empty: the model's own)."""

    model_config = ConfigDict(frozen=True)

    config: dict[str, Any]
    dataset_id: str = ""
    updated_at: float = 0.0


class State(BaseModel):
    """``registered`` are upstreams of versions, trained or by hand, ``engines`` by model how its images are chosen
    where that is not as configured. ``trials`` are the documents of the tests under way, ``production`` by model the
    variant that serves where it is not the configured one. ``declared`` has by its name each test of the configuration
    as it was when it was last taken up, and which test it became. ``default_seen`` is the default upstream that
    ``production`` came about under, ``promoted_at`` the time of the latest promotion in it. ``version`` grows with
    every change; a fresh state begins at the present second, above whatever a lost one had reached."""

    model_config = ConfigDict(frozen=True)

    version: int = Field(default_factory=lambda: int(time.time()))
    trials: tuple[dict[str, Any], ...] = ()
    registered: tuple[Registered, ...] = ()
    engines: dict[str, Engine] = {}
    production: dict[str, str] = {}
    declared: dict[str, Declared] = {}
    default_seen: str = ""
    promoted_at: float = 0.0


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
