"""What a person does about an alert: acknowledge it, silence it."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite

from sidecar.alerts.alert_state import AlertState, State
from sidecar.durations import duration_text

BY_CHARACTERS_MAX = 200
SILENCE_S_MAX = 90 * 86_400.0
"""An alert nobody hears for longer should be disabled."""


class AnswerError(ValueError):
    """What can't be done with an alert. Its text is ``field: message``.

    ``field`` is ``state`` where the alert is not in a state for it, else the name of what was sent.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


def acknowledge(state: AlertState, by: str, now: float) -> AlertState:
    """Somebody looks after it: what is not announced yet won't be, until it has resolved and fires again.

    Raises AnswerError for an alert that isn't firing, or a ``by`` that is empty or over BY_CHARACTERS_MAX long.

    >>> acknowledge(AlertState(State.FIRING), "ada", 5.0).acknowledged_by
    'ada'
    """
    if state.state is not State.FIRING:
        raise AnswerError("state", f"the alert is {state.state}, only a firing one can be acknowledged")
    return replace(state, acknowledged_by=_by(by, needed=True), acknowledged_at=now)


def silence(state: AlertState, until: float | None, now: float, by: str = "") -> AlertState:
    """No notices until a wall time; None ends a silence.

    The time left is counted down by elapsed time from here on, so that a clock set back does not make it longer, nor
    one set forward shorter. Raises AnswerError for a time that is past, or more than SILENCE_S_MAX ahead.

    >>> silence(AlertState(), until=1_060.0, now=1_000.0).silence_left_s
    60.0
    """
    by = _by(by, needed=False)
    if until is None:
        return replace(state, silenced_until=None, silence_left_s=0.0, silenced_by="")
    left_s = until - now
    if not isfinite(left_s) or left_s <= 0:
        raise AnswerError("until", "expected a time that is yet to come")
    if left_s > SILENCE_S_MAX:
        raise AnswerError(
            "until", f"expected a time within {duration_text(SILENCE_S_MAX)}; to end notices, disable the alert"
        )
    return replace(state, silenced_until=until, silence_left_s=left_s, silenced_by=by)


def resumed(state: AlertState, now: float) -> AlertState:
    """The state as the store had it, taken up by a new process.

    Nobody counted while the process was away, so a silence ends at its wall time if that comes first: too early rather
    than too late, for then nothing is lost.

    >>> resumed(AlertState(silenced_until=1_060.0, silence_left_s=60.0), now=1_050.0).silence_left_s
    10.0
    """
    if state.silenced_until is None:
        return replace(state, silence_left_s=0.0)
    return replace(state, silence_left_s=min(state.silence_left_s, max(0.0, state.silenced_until - now)))


def _by(by: str, needed: bool) -> str:
    name = by.strip() if isinstance(by, str) else ""
    if (needed and not name) or len(name) > BY_CHARACTERS_MAX:
        raise AnswerError("by", f"expected who it is, 1 to {BY_CHARACTERS_MAX} characters")
    return name
