"""Figures of many bins side by side, so that those of any run of bins cost one subtraction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sidecar.alerts.figures import SIZE, Figures

WEIGHTS = 2
"""Images and requests: by what versions share a model's traffic."""


class RunningSums:
    """Bins by their places, 0 to ``count`` - 1. ``add`` fills them, ``close`` adds them up, ``between`` asks.

    ``class_name`` is the one class whose detections are kept, "" none. Of the versions among ``weighed`` images and
    requests are kept apart. It takes 8 * SIZE bytes a bin until it is closed, then a fraction of that: few latencies
    ever occur.

    >>> sums = RunningSums(2)
    >>> sums.close()
    >>> sums.between(0, 2).requests
    0
    """

    def __init__(self, count: int, class_name: str = "", weighed: tuple[str, ...] = ()) -> None:
        self._class_name = class_name
        self._sums: NDArray[np.int64] = np.zeros((count + 1, SIZE), np.int64)
        self._used: NDArray[np.intp] = np.arange(SIZE)
        self._class: NDArray[np.int64] = np.zeros(count + 1, np.int64)
        self._weights: dict[str, NDArray[np.int64]] = {
            version: np.zeros((count + 1, WEIGHTS), np.int64) for version in weighed
        }

    def add(self, place: int, version: str, figures: Figures) -> None:
        """Add what a version did to the bin at ``place``."""
        self._sums[place + 1] += figures.vector
        if self._class_name:
            self._class[place + 1] += figures.class_detections(self._class_name)
        if version in self._weights:
            self._weights[version][place + 1] += (figures.images, figures.requests)

    def close(self) -> None:
        """All bins are filled."""
        self._used = np.flatnonzero(self._sums.any(axis=0))
        self._sums = self._sums[:, self._used]
        for column in (self._sums, self._class, *self._weights.values()):
            np.cumsum(column, axis=0, out=column)

    def between(self, low: int, high: int) -> Figures:
        """The figures of the bins at ``low`` <= place < ``high``."""
        vector = np.zeros(SIZE, np.int64)
        vector[self._used] = self._sums[high] - self._sums[low]
        if not self._class_name:
            return Figures(vector)
        return Figures(vector, ({self._class_name: int(self._class[high] - self._class[low])},))

    def weights(self, version: str, low: int, high: int) -> tuple[int, int]:
        """Images and requests of a version in those bins; of one that was not to be weighed (0, 0)."""
        if version not in self._weights:
            return 0, 0
        images, requests = self._weights[version][high] - self._weights[version][low]
        return int(images), int(requests)
