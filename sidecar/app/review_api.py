"""What the API asks about datasets and the review of their items."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from sidecar.api.errors import Conflict, ControlError, NotThere
from sidecar.api.review import ItemStatus, Queue, ReviewFigures, Split
from sidecar.app.item_documents import dataset_document, event_document, item_document
from sidecar.feedback import labels_as_predicted, verdict_of_labels
from sidecar.recording import (
    AuditOnly,
    DatasetRow,
    Datasets,
    Full,
    Held,
    Items,
    NotFound,
    NotYours,
    Reader,
    Reviewed,
    Sample,
    Taken,
    WrongRevision,
    WrongStatus,
)
from sidecar.review import TABLE, LabelsError, read_labels
from sidecar.types import Label

DATASET_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
FIGURES_KEPT_S = 30.0
"""How old what /metrics says of items may be: counting them reads an index."""
P = ParamSpec("P")
T = TypeVar("T")
Document = dict[str, Any]


def answered(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """What the store and the rules refuse, as the API's errors."""

    @functools.wraps(method)
    async def asked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except NotFound as refused:
            raise NotThere("item_id" if refused.field == "item" else refused.field, refused.message) from refused
        except (AuditOnly, Held, WrongStatus, WrongRevision, Reviewed, NotYours, Taken, Full) as refused:
            raise Conflict(refused.field, refused.message) from refused
        except LabelsError as error:
            raise ControlError.of(list(error.faults.items())) from error

    return asked


class ReviewApi:
    """``api.review.Review`` over the store."""

    def __init__(
        self, datasets: Datasets, items: Items, reader: Reader, clock: Callable[[], float] = time.time
    ) -> None:
        self._datasets = datasets
        self._items = items
        self._reader = reader
        self._clock = clock
        self._counted: dict[tuple[str, str], int] = {}

    @answered
    async def create_dataset(self, name: str, dataset_id: str | None) -> Document:
        chosen = slug(name) if dataset_id is None else dataset_id
        if not chosen:
            raise ControlError("name", f"no id can be made of {name!r}: give one as `id`, such as vehicles-2")
        if not DATASET_ID.fullmatch(chosen):
            raise ControlError("id", f"{chosen!r} is no id: a-z, 0-9 and - only, at most 63, beginning with none")
        row = DatasetRow(chosen, name, self._clock(), "person")
        await self._datasets.add(row)
        return await self._document(row)

    async def datasets(self) -> Sequence[Document]:
        rows = sorted(await self._datasets.all(), key=lambda row: row.dataset_id)
        return [await self._document(row) for row in rows]

    @answered
    async def dataset(self, dataset_id: str) -> Document:
        return await self._document(await self._row(dataset_id))

    @answered
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
        await self._row(dataset_id)
        page = await self._reader.items(
            dataset_id,
            now=self._clock(),
            status=status,
            queue=queue,
            reason=reason,
            model=model,
            version=version,
            label=label,
            claimed_by=claimed_by,
            since=since,
            until=until,
            split=split,
            before=cursor,
            limit=limit,
        )
        return {"items": [item_document(item) for item in page.items], "next": page.next}

    @answered
    async def claim_next(self, dataset_id: str, by: str, queue: Queue, lease_s: float) -> Document | None:
        await self._row(dataset_id)
        now = self._clock()
        found = await self._items.claim_next(dataset_id, by, queue, now + lease_s, now)
        return None if found is None else item_document(found)

    @answered
    async def item(self, item_id: str) -> Document:
        return item_document(await self._sample(item_id))

    @answered
    async def claim(self, item_id: str, by: str, lease_s: float, revision: int | None = None) -> Document:
        now = self._clock()
        return item_document(await self._items.claim(item_id, by, "", now + lease_s, now, revision))

    @answered
    async def release(self, item_id: str, by: str, revision: int | None = None) -> Document:
        return item_document(await self._items.release(item_id, by, self._clock(), revision))

    @answered
    async def label(self, item_id: str, labels: Sequence[Label], by: str, revision: int | None = None) -> Document:
        sample = await self._sample(item_id)
        within = read_labels(
            [{"label": label.label, "box": list(label.box)} for label in labels], sample.width, sample.height
        )
        return await self._decide(sample, by, "label", "labeled", labelled(sample, within), revision)

    @answered
    async def confirm(self, item_id: str, by: str, revision: int | None = None) -> Document:
        sample = await self._sample(item_id)
        if sample.detections is None:
            raise Conflict("detections", "what the model answered is not known any more: give labels instead")
        labels = labels_as_predicted(
            sample.detections, sample.score_threshold, width=sample.width, height=sample.height
        )
        changes = {"labels": labels, "verdict": "correct"}
        return await self._decide(sample, by, "confirm", "labeled", changes, revision)

    @answered
    async def reject(self, item_id: str, by: str, reason: str, revision: int | None = None) -> Document:
        changes = {"labels": None, "verdict": ""}
        sample = await self._sample(item_id)
        return await self._decide(sample, by, "reject", "rejected", changes, revision, reason)

    @answered
    async def undo(self, item_id: str, by: str, revision: int | None = None) -> Document:
        return item_document(await self._items.undo(item_id, by, self._clock(), revision))

    @answered
    async def item_events(self, item_id: str, limit: int, cursor: str | None) -> Document:
        page = await self._reader.events(sample_id=item_id, before=cursor, limit=limit)
        if not page.items and cursor is None:
            await self._sample(item_id)
        return {"items": [event_document(event) for event in page.items], "next": page.next}

    @answered
    async def dataset_events(self, dataset_id: str, limit: int, cursor: str | None) -> Document:
        await self._row(dataset_id)
        page = await self._reader.events(dataset_id=dataset_id, before=cursor, limit=limit)
        return {"items": [event_document(event) for event in page.items], "next": page.next}

    @answered
    async def delete(self, item_id: str, by: str, revision: int | None = None) -> Document:
        sample = await self._sample(item_id)
        await self._items.delete(item_id, by, self._clock(), revision)
        return item_document(sample)

    def figures(self) -> ReviewFigures:
        return {"items": dict(self._counted)}

    async def count(self) -> None:
        """Look anew at what ``figures`` shows. Raises StoreError."""
        now = self._clock()
        counted: dict[tuple[str, str], int] = {}
        for row in await self._datasets.all():
            figures = await self._reader.dataset_figures(row.dataset_id, now)
            counted.update({(row.dataset_id, status): n for status, n in figures.by_status.items()})
        self._counted = counted

    async def _decide(
        self,
        sample: Sample,
        by: str,
        action: str,
        to_status: str,
        changes: Mapping[str, Any],
        revision: int | None,
        note: str = "",
    ) -> Document:
        decided = await self._items.decide(
            sample.sample_id,
            by,
            self._clock(),
            action,
            to_status,
            changes,
            from_statuses=tuple(status for status, known in TABLE if known == action),
            note=note,
            revision=revision,
        )
        return item_document(decided)

    async def _row(self, dataset_id: str) -> DatasetRow:
        row = await self._datasets.get(dataset_id)
        if row is None:
            raise NotThere("dataset_id", f"no dataset has the id {dataset_id!r}")
        return row

    async def _sample(self, item_id: str) -> Sample:
        sample = await self._reader.item(item_id, self._clock())
        if sample is None:
            raise NotThere("item_id", f"no item has the id {item_id!r}")
        return sample

    async def _document(self, row: DatasetRow) -> Document:
        return dataset_document(row, await self._reader.dataset_figures(row.dataset_id, self._clock()))


def labelled(sample: Sample, labels: tuple[Label, ...]) -> dict[str, Any]:
    """What changes of an item that gets these labels."""
    found = verdict_of_labels(
        sample.detections, sample.score_threshold, labels, width=sample.width, height=sample.height
    )
    return {"labels": labels, "verdict": found.verdict}


def slug(name: str) -> str:
    """An id made of a name; empty where there is nothing to make one of.

    >>> slug("Vehicles, front gate"), slug("!")
    ('vehicles-front-gate', '')
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63].rstrip("-")
