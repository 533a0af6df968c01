"""Why something asked of a test can't be done: each names the field at fault."""

from __future__ import annotations


class TrialFault(ValueError):
    """What was asked for makes no sense; ``message`` says what would be right.

    >>> str(TrialFault("winner", "is none"))
    'winner: is none'
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class TrialMissing(TrialFault):
    """Nothing has that id."""


class TrialClash(TrialFault):
    """Something else is in the way: a test that runs on the same traffic, a status that does not allow it."""


class TrialNotSaved(TrialFault):
    """The disk would not take it: nothing has changed."""
