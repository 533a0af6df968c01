"""What the parts behind the API raise where something can't be."""

from __future__ import annotations

from collections.abc import Sequence


class ControlError(Exception):
    """A change or a question that can't be: ``field`` is the part of the request that is wrong, ``message`` why.

    ``errors`` holds every faulty part as (field, message). It is answered with 422.

    >>> error = ControlError.of([("condition.metric", "is needed"), ("condition.window", "is needed")])
    >>> error.field, len(error.errors), str(error)
    ('condition.metric', 2, 'condition.metric: is needed; condition.window: is needed')
    """

    status = 422

    def __init__(self, field: str, message: str, errors: Sequence[tuple[str, str]] = ()) -> None:
        self.errors = list(errors) or [(field, message)]
        super().__init__("; ".join(f"{part}: {fault}" for part, fault in self.errors))
        self.field = field
        self.message = message

    @classmethod
    def of(cls, errors: Sequence[tuple[str, str]]) -> ControlError:
        """One error of all faults, of which there must be at least one."""
        return cls(*errors[0], errors=errors)


class NotThere(ControlError):
    """Nothing has that id (answered with 404)."""

    status = 404


class Conflict(ControlError):
    """What is there already stands against it, e.g. a name that is taken (answered with 409)."""

    status = 409


class NotAllowed(ControlError):
    """The asker has not shown that it may (answered with 403)."""

    status = 403
