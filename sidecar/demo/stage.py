"""What the demo's traffic shows at a moment: how light it is, whose digits, how many. Lines of text tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, pi
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sidecar.demo.digits import SIZES, Pool
from sidecar.demo.scenes import Kind, Scene, compose

DAY_S = 120.0
FALL_S = 4.0
"""How long night takes to fall, or day to break, when it is told to."""
DAY_LIGHT, NIGHT_LIGHT = 1.0, 0.02
RATE_MAX = 1_000.0

Light = Literal["cycle", "day", "night"]
KINDS: Mapping[str, tuple[tuple[Kind, float], ...]] = {
    "mixed": (("ordinary", 0.84), ("empty", 0.08), ("crowded", 0.08)),
    "short": (("short", 1.0),),
}
"""Kinds of scenes and their shares."""


def light_at(elapsed_s: float) -> float:
    """1 at noon, where a demo starts, and 0 at midnight.

    >>> light_at(0), light_at(DAY_S / 2), light_at(DAY_S)
    (1.0, 0.0, 1.0)
    """
    return (1 + cos(2 * pi * elapsed_s / DAY_S)) / 2


def mix_at(elapsed_s: float) -> NDArray[np.float64]:
    """[10] how often each digit is written: the favourite moves from 0 at noon on to 5 at midnight and back."""
    phase = 2 * pi * (elapsed_s / DAY_S - np.arange(10) / 10)
    weights = 1 + 0.8 * np.cos(phase)
    return np.asarray(weights / weights.sum(), np.float64)


@dataclass(slots=True)
class Stage:
    """``light``: ``cycle`` goes through the demo's days, ``day`` and ``night`` stay. ``pool`` is one of SIZES,
    ``kinds`` one of KINDS, ``rate`` in scenes/s. Times are seconds since the traffic began."""

    light: Light = "cycle"
    pool: str = "traffic"
    kinds: str = "mixed"
    rate: float = 20.0
    from_level: float = DAY_LIGHT
    since_s: float = -FALL_S

    def told(self, line: str, elapsed_s: float) -> None:
        """Follows ``day``, ``night``, ``cycle``, ``pool NAME`` or ``rate NUMBER``. Raises ValueError for another.

        >>> stage = Stage("day")
        >>> stage.told("night", 10.0)
        >>> stage.level(10.0), round(stage.level(10.0 + FALL_S), 6)
        (1.0, 0.02)
        """
        match line.split():
            case [("day" | "night" | "cycle") as light]:
                level = self.level(elapsed_s)
                self.light, self.from_level, self.since_s = light, level, elapsed_s
            case ["pool", name] if name in SIZES:
                self.pool = name
            case ["rate", number] if number.replace(".", "", 1).isdecimal() and 0 < float(number) <= RATE_MAX:
                self.rate = float(number)
            case _:
                raise ValueError(
                    f"{line.strip()[:80]!r} is not one of {', '.join(get_args(Light))}, pool {'|'.join(SIZES)} or "
                    f"rate NUMBER (at most {RATE_MAX:g})"
                )

    def level(self, elapsed_s: float) -> float:
        """How light it is, 0 to 1."""
        if self.light == "cycle":
            return light_at(elapsed_s)
        target = DAY_LIGHT if self.light == "day" else NIGHT_LIGHT
        part = min(1.0, (elapsed_s - self.since_s) / FALL_S)
        return self.from_level + (target - self.from_level) * part

    def scene(self, elapsed_s: float, rng: np.random.Generator, pools: Mapping[str, Pool]) -> Scene:
        """A scene of that moment. Digits are equally frequent but in the cycle, where their mix shifts."""
        kinds = KINDS[self.kinds]
        kind = kinds[int(rng.choice(len(kinds), p=[share for _, share in kinds]))][0]
        weights = mix_at(elapsed_s) if self.light == "cycle" else None
        return compose(rng, pools[self.pool], light=self.level(elapsed_s), kind=kind, weights=weights)
