"""Why what was asked of an item, a dataset or a version can't be done as things stand."""

from __future__ import annotations

from datetime import UTC, datetime

from sidecar.recording.watch_rows import Refused


class NotFound(Refused):
    """There is nothing of that id.

    >>> str(NotFound("item", "there is no 's1'"))
    "item: there is no 's1'"
    """


class Held(Refused):
    """Another reviewer, ``by``, has the item until ``until`` (epoch seconds).

    >>> Held("ann", 60.0).by
    'ann'
    """

    def __init__(self, by: str, until: float) -> None:
        super().__init__("by", f"the item is under review by {by!r}")
        self.by = by
        self.until = until


class WrongStatus(Refused):
    """The item is ``status``, in which that can't be done.

    >>> WrongStatus("labeled", "it is labeled already").status
    'labeled'
    """

    def __init__(self, status: str, message: str) -> None:
        super().__init__("status", message)
        self.status = status


class AuditOnly(Refused):
    """The random sample drew the item, and the audit alone gives it out: who chose it by what is in it would bias it.

    >>> AuditOnly("s1").field
    'item_id'
    """

    def __init__(self, sample_id: str) -> None:
        super().__init__(
            "item_id",
            f"{sample_id!r} is of the random sample, which is reviewed in its random order alone:"
            ' claim_next_item(queue="audit") gives it out',
        )


class Reviewed(Refused):
    """Another, ``by``, reviewed the item at ``at`` (epoch seconds): only who says that they know of it may correct it.

    >>> print(Reviewed("bob", 0.0, "labeled", 7))
    reviewed_by: the item was labeled by 'bob' at 1970-01-01 00:00:00 UTC; to correct that, give its `revision`, 7
    """

    def __init__(self, by: str, at: float, status: str, revision: int) -> None:
        told = f"{reviewed_text(by, at, status)}; to correct that, give its `revision`, {revision}"
        super().__init__("reviewed_by", told)
        self.by = by
        self.at = at


class WrongRevision(Refused):
    """The item is at ``revision``, not at the one that was given: somebody did something to it meanwhile.

    >>> WrongRevision(3, 2, "").message
    'the item is at 3 by now, not at 2'
    """

    def __init__(self, revision: int, given: int, review: str) -> None:
        super().__init__("revision", f"the item is at {revision} by now, not at {given}{review and f': {review}'}")
        self.revision = revision


class NotYours(Refused):
    """What was done last was done by somebody else, ``by``, who alone can undo it."""

    def __init__(self, by: str) -> None:
        super().__init__("by", f"what was done last was done by {by!r}, who alone can undo it")
        self.by = by


def reviewed_text(by: str, at: float, status: str) -> str:
    """Who reviewed an item, when, and what came of it.

    >>> reviewed_text("bob", 60.0, "rejected")
    "the item was rejected by 'bob' at 1970-01-01 00:01:00 UTC"
    """
    who = repr(by) if by else "somebody"
    return f"the item was {status} by {who} at {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
