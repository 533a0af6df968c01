"""Why something asked of training can't be done: each names the field at fault."""

from __future__ import annotations

from collections.abc import Sequence


class TrainingFault(ValueError):
    """What was asked for makes no sense; ``faults`` has each (field, message), and says what would be right.

    >>> str(TrainingFault("trainer", "is none"))
    'trainer: is none'
    """

    def __init__(self, field: str, message: str, *more: tuple[str, str]) -> None:
        self.faults: Sequence[tuple[str, str]] = ((field, message), *more)
        super().__init__("; ".join(f"{place}: {text}" for place, text in self.faults))
        self.field = field
        self.message = message


class TrainingMissing(TrainingFault):
    """Nothing has that id."""


class TrainingClash(TrainingFault):
    """The job's status does not allow it."""


class TrainingFull(TrainingFault):
    """As many jobs as may wait do so already."""


class ReportRefused(TrainingFault):
    """A report that nobody who may give one has signed."""
