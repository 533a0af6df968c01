"""How a training job goes from status to status: a table, and nothing else changes one.

A command's job is queued, then runs, and ends with its process. A webhook's is queued until the trainer has taken it,
then waits for its report; so does one that people see to. Whatever has ended stays as it is.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, get_args

Status = Literal["queued", "running", "waiting", "succeeded", "failed", "cancelled", "timed_out"]
STATUSES: tuple[Status, ...] = get_args(Status)
OPEN: tuple[Status, ...] = ("queued", "running", "waiting")
ENDED: tuple[Status, ...] = ("succeeded", "failed", "cancelled", "timed_out")


class Event(StrEnum):
    """What happens to a job."""

    START = "start"
    """Its command runs."""
    HAND_OVER = "hand_over"
    """A trainer elsewhere has taken it, or people were left to it."""
    REPORT_RUNNING = "report_running"
    REPORT_SUCCEEDED = "report_succeeded"
    REPORT_FAILED = "report_failed"
    EXIT = "exit"
    """Its command ended well, and its result can be read."""
    EXIT_FAULTY = "exit_faulty"
    CANCEL = "cancel"
    TIME_OUT = "time_out"
    LOST = "lost"
    """What kept its command died, or it could not be exported or handed over."""


TABLE: dict[tuple[Status, Event], Status] = {
    ("queued", Event.START): "running",
    ("queued", Event.HAND_OVER): "waiting",
    ("queued", Event.CANCEL): "cancelled",
    ("queued", Event.LOST): "failed",
    ("running", Event.EXIT): "succeeded",
    ("running", Event.EXIT_FAULTY): "failed",
    ("running", Event.CANCEL): "cancelled",
    ("running", Event.TIME_OUT): "timed_out",
    ("running", Event.LOST): "failed",
    ("waiting", Event.REPORT_RUNNING): "waiting",
    ("waiting", Event.REPORT_SUCCEEDED): "succeeded",
    ("waiting", Event.REPORT_FAILED): "failed",
    ("waiting", Event.CANCEL): "cancelled",
    ("waiting", Event.TIME_OUT): "timed_out",
}
"""What an event makes of a status. What is not here can't happen."""


class StateError(ValueError):
    """This can't happen to a job of that status."""


def follow(status: Status, event: Event) -> Status:
    """The status after ``event``. Raises StateError.

    >>> follow("queued", Event.START), follow("running", Event.TIME_OUT)
    ('running', 'timed_out')
    >>> follow("succeeded", Event.CANCEL)
    Traceback (most recent call last):
        ...
    sidecar.training.states.StateError: a job that is succeeded can't cancel
    """
    try:
        return TABLE[status, event]
    except KeyError:
        raise StateError(f"a job that is {status} can't {event.value}") from None
