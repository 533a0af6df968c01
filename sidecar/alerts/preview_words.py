"""What is said of a preview."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.alerts.alert_state import State
from sidecar.alerts.condition import NoData
from sidecar.alerts.preview import FIRINGS_MAX, Replayed

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_WEEK_S = 7 * 86_400
_STATES = {
    State.INACTIVE: "be quiet",
    State.RESOLVED: "be quiet",
    State.PENDING: "be pending",
    State.FIRING: "be firing",
}


_MEANWHILE: dict[NoData, str] = {
    "keep": "meanwhile it kept its state",
    "ok": "that counted as well",
    "fire": "that counted as a breach",
}


def length_words(seconds: float) -> str:
    """A length of time in its two greatest units.

    >>> length_words(2_460), length_words(7_500), length_words(90_061), length_words(0)
    ('41 minutes', '2 hours 5 minutes', '1 day 1 hour', '0 seconds')
    """
    left, parts = round(seconds), []
    for name, unit_s in _UNITS:
        count, left = divmod(left, unit_s)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
        elif parts:
            break  # what is smaller than a unit that is 0 would not follow on it
    return " ".join(parts[:2]) or "0 seconds"


def past_words(length_s: float) -> str:
    """The time up to now that is so long.

    >>> past_words(604_800), past_words(86_400), past_words(43_200), past_words(1_209_600)
    ('the past week', 'the past day', 'the past 12 hours', 'the past 14 days')
    """
    if round(length_s) == _WEEK_S:
        return "the past week"
    words = length_words(length_s)
    return f"the past {words[2:] if words in ('1 day', '1 hour', '1 minute') else words}"


def preview_sentence(replayed: Replayed, during: str, *, until_now: bool) -> str:
    """The result in a sentence; ``during`` as ``past_words`` has it.

    >>> preview_sentence(Replayed((), 3, 2_460.0, State.INACTIVE, (), 10, {}, False), "the past week", until_now=True)
    'Would have fired 3 times in the past week, 41 minutes in all; now it would be quiet.'
    >>> seldom = Replayed((), 0, 0.0, State.INACTIVE, (), 10, {"too few samples": 9}, False)
    >>> preview_sentence(seldom, "the past week", until_now=True)
    'Would not have fired in the past week; now it would be quiet. It could be judged only 10 % of that time.'
    """
    if replayed.looks and sum(replayed.unjudged.values()) == replayed.looks and not replayed.fired:
        reasons = sorted(replayed.unjudged, key=lambda name: -replayed.unjudged[name])
        return f"Could not be judged at any time in {during}: {', or '.join(reasons)}."
    ending = f"{'now' if until_now else 'at its end'} it would {_STATES[replayed.state]}.{_seldom_judged(replayed)}"
    if not replayed.fired:
        return f"Would not have fired in {during}; {ending}"
    times = "once" if replayed.fired == 1 else f"{replayed.fired:,} times"
    lasting = f", {length_words(replayed.firing_s)} in all" if replayed.firing_s >= 1 else ""
    return f"Would have fired {times} in {during}{lasting}; {ending}"


def _seldom_judged(replayed: Replayed) -> str:
    """Where it was not judged most of the time, a result says little."""
    unjudged = sum(replayed.unjudged.values())
    if 2 * unjudged <= replayed.looks:
        return ""
    return f" It could be judged only {_percent(1 - unjudged / replayed.looks)} of that time."


def replayed_limits(replayed: Replayed, no_data: NoData = "keep") -> Sequence[str]:
    """What is to be known of a result: looks that were not judged, firings that are not listed, flapping."""
    said = []
    unjudged = sum(replayed.unjudged.values())
    if 0 < unjudged < replayed.looks:
        shares = ", ".join(
            f"{_percent(count / replayed.looks)} of the time {reason}"
            for reason, count in sorted(replayed.unjudged.items(), key=lambda item: -item[1])
        )
        said.append(f"It could not be judged at all times ({shares}); {_MEANWHILE[no_data]}.")
    if replayed.flapped:
        said.append("It would have flapped: of three firings within an hour one is told, then none until it is quiet.")
    if replayed.fired > len(replayed.firings):
        said.append(f"The latest {FIRINGS_MAX} firings are listed.")
    return said


def _percent(share: float) -> str:
    """A share that is neither none nor all.

    >>> _percent(0.52), _percent(0.9999), _percent(0.0001)
    ('52 %', '99 %', 'under 1 %')
    """
    return "under 1 %" if share < 0.01 else f"{min(round(100 * share), 99)} %"
