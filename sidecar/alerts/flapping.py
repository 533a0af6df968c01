"""When an alert fires so often that one notice for all of it is better than one for each."""

from __future__ import annotations

FLAPS_MAX = 3
"""As many firings within FLAP_WINDOW_S make an alert one that flaps."""
FLAP_WINDOW_S = 3_600.0
"""It goes on flapping until it has not begun to fire for as long."""


def aged(ages_s: tuple[float, ...], elapsed_s: float) -> tuple[float, ...]:
    """How long ago it fired, ``elapsed_s`` later; what is older than the window is forgotten.

    >>> aged((3_590.0, 100.0), 20.0)
    (120.0,)
    """
    return tuple(age + elapsed_s for age in ages_s if age + elapsed_s < FLAP_WINDOW_S)


def fired(ages_s: tuple[float, ...]) -> tuple[float, ...]:
    """It fires now. Only the FLAPS_MAX newest firings are remembered.

    >>> fired((900.0, 600.0, 300.0))
    (600.0, 300.0, 0.0)
    """
    return (*ages_s, 0.0)[-FLAPS_MAX:]


def flaps(ages_s: tuple[float, ...], already: bool) -> bool:
    """Whether it flaps: it begins with FLAPS_MAX firings in the window, and ends with none.

    >>> flaps((5.0, 3.0, 1.0), already=False), flaps((5.0,), already=True), flaps((), already=True)
    (True, True, False)
    """
    return len(ages_s) >= FLAPS_MAX or (already and bool(ages_s))
