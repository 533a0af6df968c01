"""The review of images: what may be done with an item, what a label must be, which item is worth the next look.

What it is for: images that are kept wait in a queue until a person says what is in them. ``TABLE`` and ``after`` say
what an action makes of an item and who may do it, ``undoable`` what can be taken back, ``read_labels`` what a person
may send, ``value_of`` how much is to be learnt from an image. Pure: no clock, no randomness, no disk, no asyncio.

Key types: ``Held`` (an item's status and lease), ``Label`` of ``sidecar.types``.

Invariants, kept by tests/review:

- No two people hold an item at once; a lease that ran out holds nothing, without anybody having to say so.
- What is reviewed stays reviewed until it is corrected, rejected or its review undone by its author.
- A label has a name and a box with an area, in pixels, within the image; all faults of what was sent are told at once.
- The value of an item is within 0..1.
"""

from sidecar.review.labels import FAULTS_MAX, LABEL_CHARACTERS_MAX, LABELS_MAX, LabelsError, read_labels
from sidecar.review.states import (
    ACTIONS,
    LEASE_S_DEFAULT,
    LEASE_S_MAX,
    LEASE_S_MIN,
    STATUSES,
    TABLE,
    Action,
    Done,
    Held,
    ReviewError,
    Status,
    after,
    claimable,
    lease_until,
    refusal_of,
    status_at,
    undoable,
)
from sidecar.review.value import value_by, value_of

__all__ = [
    "ACTIONS",
    "FAULTS_MAX",
    "LABELS_MAX",
    "LABEL_CHARACTERS_MAX",
    "LEASE_S_DEFAULT",
    "LEASE_S_MAX",
    "LEASE_S_MIN",
    "STATUSES",
    "TABLE",
    "Action",
    "Done",
    "Held",
    "LabelsError",
    "ReviewError",
    "Status",
    "after",
    "claimable",
    "lease_until",
    "read_labels",
    "refusal_of",
    "status_at",
    "undoable",
    "value_by",
    "value_of",
]
