"""What holds a rule back: so many images a minute, an hour, a day, and a pause for each unit. Pure: ``at`` comes in."""

from __future__ import annotations

from collections import OrderedDict

from sidecar.data_engine.config import RateLimits

WINDOWS_S = {"minute": 60, "hour": 3_600, "day": 86_400}
COOL_DOWNS_MAX = 10_000
"""Pauses of (rule, unit) that are known; the one begun longest ago is forgotten, and counted, for a newer."""


class RuleLimits:
    """The limits of one model's rules.

    Windows are those of the clock (UTC): a minute begins at its second 0. An image counts from when a rule takes it
    until it is given back, because it was not kept after all. What comes a little late counts in the window that has
    begun; a clock that went back by more than a window begins a new one.

    >>> limits = RuleLimits()
    >>> limits.take("new_class", "cam", at=0.0)
    >>> limits.reason("new_class", RateLimits(per_minute=1), 0.0, "cam", at=59.0)
    'minute'
    >>> [limits.reason("new_class", RateLimits(), 10.0, unit, at=9.0) for unit in ("cam", "other")]
    ['cool_down', None]
    """

    def __init__(self, cool_downs_max: int = COOL_DOWNS_MAX) -> None:
        self._cool_downs_max = cool_downs_max
        self._taken: dict[tuple[str, str], tuple[int, int]] = {}
        self._last: OrderedDict[tuple[str, str], float] = OrderedDict()
        self.forgotten = 0

    def reason(self, rule: str, limits: RateLimits, cool_down_s: float, unit: str, at: float) -> str | None:
        """What stands against taking an image of ``unit`` for ``rule`` now: cool_down, minute, hour or day; or
        nothing. All images without a unit are of one."""
        last = self._last.get((rule, unit))
        if last is not None and abs(at - last) < cool_down_s:
            return "cool_down"
        for name, most in zip(WINDOWS_S, (limits.per_minute, limits.per_hour, limits.per_day), strict=True):
            if most is not None and self._window(rule, name, at)[1] >= most:
                return name
        return None

    def take(self, rule: str, unit: str, at: float) -> None:
        """The rule takes an image of ``unit``."""
        for name in WINDOWS_S:
            window, taken = self._window(rule, name, at)
            self._taken[rule, name] = window, taken + 1
        self._last[rule, unit] = at
        self._last.move_to_end((rule, unit))
        if len(self._last) > self._cool_downs_max:
            self._last.popitem(last=False)
            self.forgotten += 1

    def give_back(self, rule: str, at: float) -> None:
        """What the rule took at ``at`` was not kept: it counts no more in those of its windows that are open.
        The unit's pause stays: else a camera that stands still would be looked at again with every frame."""
        for name, width_s in WINDOWS_S.items():
            window, taken = self._taken.get((rule, name), (0, 0))
            if taken and window == int(at // width_s):
                self._taken[rule, name] = window, taken - 1

    def _window(self, rule: str, name: str, at: float) -> tuple[int, int]:
        """The number of the window that ``at`` counts in, and what was taken in it."""
        now = int(at // WINDOWS_S[name])
        window, taken = self._taken.get((rule, name), (now, 0))
        return (window, taken) if now in (window, window - 1) else (now, 0)
