"""Waiting until the workers of a running sidecar do what they were told."""

from __future__ import annotations

from tests.kit.sidecar import RunningSidecar, wait_for

FOLLOWED_S = 90.0


def wait_until_followed(sidecar: RunningSidecar, workers: int = 1) -> None:
    """Until so many workers have the settings of now: they tell of them every second."""
    wait_for(lambda: _followed(sidecar, workers), FOLLOWED_S, "the workers' settings")


def _followed(sidecar: RunningSidecar, workers: int) -> bool:
    status, settings = sidecar.api("/api/v1/status"), sidecar.api("/api/v1/settings")
    if status is None or settings is None:
        return False
    told = [worker["status"].get("settings") for worker in status["workers"] if worker["connected"]]
    return told == [settings["version"]] * workers
