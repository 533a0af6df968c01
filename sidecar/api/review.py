"""What the API asks about datasets and the review of their items, as one Protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, TypedDict

from sidecar.api.watch import Document
from sidecar.types import Label

ItemStatus = Literal["needs_review", "in_review", "labeled", "rejected"]
"""How an item stands. One whose lease ran out needs review again."""
Queue = Literal["value", "audit"]
"""By expected value, or the random sample in random order."""
Split = Literal["train", "val", "test"]
"""Where versions have an image; one that is in no version has none."""


class ReviewFigures(TypedDict):
    """How things stand now."""

    items: Mapping[tuple[str, str], int]
    """Items by (dataset_id, status)."""


class Review(Protocol):
    """Datasets and their items, which are the images kept for review. Arguments have their types and bounds; whether
    they make sense is judged here.

    Every method raises ControlError for arguments that can't be (422; ``ControlError.of`` for several faults), its
    kinds NotThere with field ``dataset_id`` or ``item_id`` for an id that nothing has (404) and Conflict (409), and
    StoreError where the store can't (503). Pages may let the store's ValueError "before: ..." pass: it is answered as a
    fault of ``cursor``. Documents are of the shapes in ``schemas_datasets`` and ``schemas_items``; NaN may stand in
    them, it becomes null. Every action on an item is durable, with its ItemEvent, before it is answered.

    An Item that the random sample drew has model, version, reasons, unit and prediction_id null in every answer, and no
    filter by them finds it. Until it is reviewed only who was given it by ``claim_next`` of the audit may act on it:
    else claim, label, confirm and reject raise Conflict with field ``item_id``.
    """

    async def create_dataset(self, name: str, dataset_id: str | None) -> Document:
        """Make a dataset; the Dataset. ``dataset_id`` None: made of the name.

        Raises Conflict with field ``id`` where it is taken, or where there are too many; ControlError with field
        ``name`` where no id can be made of it.
        """
        ...

    async def datasets(self) -> Sequence[Document]:
        """All Datasets, by id."""
        ...

    async def dataset(self, dataset_id: str) -> Document:
        """One Dataset. Raises NotThere."""
        ...

    async def items(
        self,
        dataset_id: str,
        *,
        status: ItemStatus | None,
        queue: Queue | None,
        reason: str | None,
        model: str | None,
        version: str | None,
        label: str | None,
        claimed_by: str | None,
        since: float | None,
        until: float | None,
        split: Split | None,
        limit: int,
        cursor: str | None,
    ) -> Document:
        """An ItemsPage of what all filters that are not None hold for: ``queue`` ``audit`` in its random order, else by
        value, highest first; what the random sample drew is then in it once it is reviewed, without a queue.
        ``label`` is a class among the labels or, without labels, the detections; ``since`` and
        ``until`` bound ``at``; ``split`` is where versions have it. Raises NotThere."""
        ...

    async def claim_next(self, dataset_id: str, by: str, queue: Queue, lease_s: float) -> Document | None:
        """Claim the first item of a queue that needs review for ``by``; the Item. None: there is none. Never is one
        item held by two, and one that ``by`` holds already is not given again: ``items`` with ``claimed_by`` finds it.
        Raises NotThere."""
        ...

    async def item(self, item_id: str) -> Document:
        """One Item. Raises NotThere."""
        ...

    async def claim(self, item_id: str, by: str, lease_s: float, revision: int | None = None) -> Document:
        """Claim one by its id (again: the lease begins anew); the Item. Raises NotThere, and Conflict with field
        ``by`` where another holds it, ``status`` where it is reviewed, ``revision`` where it is at another."""
        ...

    async def release(self, item_id: str, by: str, revision: int | None = None) -> Document:
        """Give it back unreviewed; the Item. Raises NotThere, and Conflict as ``claim`` does."""
        ...

    async def label(self, item_id: str, labels: Sequence[Label], by: str, revision: int | None = None) -> Document:
        """Say what is in the image, nothing at all too; the Item, labeled. It may be so without a claim, and again.
        Boxes have finite edges, x1 < x2 and y1 < y2. What ``by`` said just so already is no event.

        ``revision`` is the item's, as ``by`` saw it: needed to correct what another reviewed. Raises NotThere, Conflict
        with field ``by`` where another holds it, ``reviewed_by`` where another reviewed it and no revision is given,
        ``revision`` where it is at another, ControlError with fields such as ``labels.3.box`` where a box lies outside
        the image.
        """
        ...

    async def confirm(self, item_id: str, by: str, revision: int | None = None) -> Document:
        """The prediction is right as it stands: its detections become the labels; the Item, labeled. Raises what
        ``label`` raises, and Conflict with field ``detections`` where none are known."""
        ...

    async def reject(self, item_id: str, by: str, reason: str, revision: int | None = None) -> Document:
        """Nothing can be learnt of it; the Item, rejected. Raises what ``label`` raises."""
        ...

    async def undo(self, item_id: str, by: str, revision: int | None = None) -> Document:
        """Take back the last action that is not undone; the Item as it is then. Raises NotThere, and Conflict with
        field ``by`` where the last action is another's or there is none, ``revision`` where it is at another."""
        ...

    async def item_events(self, item_id: str, limit: int, cursor: str | None) -> Document:
        """An ItemEventsPage of one item, newest first; of one that was deleted too. Raises NotThere."""
        ...

    async def dataset_events(self, dataset_id: str, limit: int, cursor: str | None) -> Document:
        """An ItemEventsPage of a whole dataset, newest first. Raises NotThere."""
        ...

    async def delete(self, item_id: str, by: str, revision: int | None = None) -> Document:
        """Delete the image and all about it but its events and its checksum in versions; the Item as it was. Raises
        NotThere, and Conflict with field ``by`` where another holds it, ``revision`` where it is at another."""
        ...

    def figures(self) -> ReviewFigures:
        """For /metrics; cheap, without waiting."""
        ...
