"""Labels that come back from another tool: the items that a document names are found, and get its labels.

Only those items are read, a page at a time, whatever else the dataset holds; what takes long is done in threads.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from sidecar.api.datasets import ImportFormat
from sidecar.api.errors import ControlError
from sidecar.app.review_api import labelled
from sidecar.datasets import READERS
from sidecar.datasets.export import stem_of
from sidecar.recording import Decision, Items, Reader, Refused, Sample
from sidecar.review import TABLE
from sidecar.types import Label

PAGE = 200
"""Items that are read, and decided on, together."""
SCAN_PAGE = 500
FAULTS_LISTED_MAX = 100
IDS_TRIED_MAX = 20
"""Ids that one image of a document may be meant by; a task with more texts than that is known by the first."""
_HASHED = re.compile(r"x-[0-9a-f]{32}")
"""A file's name that stands for an id which is none."""
_UPLOADED = re.compile(r"[0-9a-f]{8}-(?=.)")
_TO_LABEL = tuple(status for status, action in TABLE if action == "import")
Document = dict[str, Any]
Labels = tuple[Label, ...]


class LabelImport:
    """Imports into datasets over the store."""

    def __init__(self, items: Items, reader: Reader, clock: Callable[[], float]) -> None:
        self._items = items
        self._reader = reader
        self._clock = clock

    async def run(
        self, dataset_id: str, format: ImportFormat, document: Mapping[str, Any] | Sequence[Any], by: str
    ) -> Document:
        """What came of it. Raises ControlError where the document is none of ``format``, and StoreError."""
        known = await self._sizes(dataset_id, await asyncio.to_thread(named_in, format, document))
        found = await asyncio.to_thread(READERS[format], document, known)
        if found.faults and not found.labels and not any("[" in fault.field for fault in found.faults):
            raise ControlError.of([(fault.field or "body", fault.message) for fault in found.faults])
        done = {"labeled": 0, "unchanged": 0, "unknown": found.unknown_n}
        faults = [(fault.field, fault.message) for fault in found.faults]
        for page in _pages(list(found.labels.items())):
            faults += await self._label(dataset_id, page, by, done)
        faults += [(of, "no such item in this dataset") for of in found.unknown]
        listed = [{"field": field, "message": message} for field, message in faults[:FAULTS_LISTED_MAX]]
        return {**done, "faults": listed}

    async def _sizes(self, dataset_id: str, named: Sequence[Sequence[str]]) -> dict[str, tuple[int, int]]:
        """Width and height of the items that are named, by their ids; of each image's ids the first that is one."""
        sizes: dict[str, tuple[int, int]] = {}
        for page in _pages(named):
            waiting = [iter(ids) for ids in page]
            while waiting:
                asked = {ids: of for ids in waiting if (of := next(ids, None)) is not None}
                samples = await self._read(dataset_id, list(dict.fromkeys(asked.values())))
                sizes.update({of: (sample.width, sample.height) for of, sample in samples.items()})
                waiting = [ids for ids, of in asked.items() if of not in sizes]
        hashed = {of for ids in named for of in ids if _HASHED.fullmatch(of)}.difference(sizes)
        if hashed:
            sizes.update(await self._sizes_of_hashed(dataset_id, hashed))
        return sizes

    async def _sizes_of_hashed(self, dataset_id: str, stems: set[str]) -> dict[str, tuple[int, int]]:
        """Of items whose ids are no file's names: no id can be told from the hash, so all of the dataset are looked
        at."""
        sizes: dict[str, tuple[int, int]] = {}
        cursor = None
        while True:
            page = await self._reader.samples(dataset_id=dataset_id, before=cursor, limit=SCAN_PAGE)
            sizes.update(
                {one.sample_id: (one.width, one.height) for one in page.items if stem_of(one.sample_id) in stems}
            )
            cursor = page.next
            if cursor is None:
                return sizes

    async def _read(self, dataset_id: str, ids: Sequence[str]) -> dict[str, Sample]:
        """Those of ``ids`` that are items of the dataset."""
        found = await asyncio.gather(*(self._reader.sample(of) for of in ids))
        return {
            of: sample
            for of, sample in zip(ids, found, strict=True)
            if sample is not None and sample.dataset_id == dataset_id
        }

    async def _label(
        self, dataset_id: str, page: Sequence[tuple[str, Labels]], by: str, done: dict[str, int]
    ) -> list[tuple[str, str]]:
        """Give a page of items their labels, counted in ``done``; returns what was refused."""
        samples = await self._read(dataset_id, [of for of, _ in page])
        gone = [of for of, _ in page if of not in samples]
        changed = [(samples[of], labels) for of, labels in page if of in samples and not _same(samples[of], labels)]
        decisions = await asyncio.to_thread(_decisions, changed)
        decided = await self._items.decide_many(
            decisions, by, self._clock(), "import", "labeled", from_statuses=_TO_LABEL
        )
        refused = [
            (decision.sample_id, item.message)
            for decision, item in zip(decisions, decided, strict=True)
            if isinstance(item, Refused)
        ]
        done["labeled"] += len(changed) - len(refused)
        done["unchanged"] += len(samples) - len(changed)
        done["unknown"] += len(gone)
        return [*refused, *((of, "the item was deleted meanwhile") for of in gone)]


def named_in(format: ImportFormat, document: Any) -> list[list[str]]:
    """Of each image that a document tells of, the ids that it may be known by here, the likeliest first: as the readers
    of ``sidecar.datasets.imports`` do, which say what is wrong with a document."""
    texts = _coco_names(document) if format == "coco" else _label_studio_names(document)
    return [
        list(dict.fromkeys(of for text, is_id in said for of in _ids(text, is_id)))[:IDS_TRIED_MAX] for said in texts
    ]


def _coco_names(document: Any) -> Iterator[list[tuple[str, bool]]]:
    images = document.get("images") if isinstance(document, Mapping) else None
    for image in images if isinstance(images, list) else ():
        name = image.get("file_name") if isinstance(image, Mapping) else None
        if isinstance(name, str):
            yield [(name, False)]


def _label_studio_names(document: Any) -> Iterator[list[tuple[str, bool]]]:
    for task in document if isinstance(document, list) else ():
        parts = [task.get(name) if isinstance(task, Mapping) else None for name in ("data", "meta")]
        said = [part.get("sample_id") for part in parts if isinstance(part, Mapping)]
        data = parts[0] if isinstance(parts[0], Mapping) else {}
        addresses = [data[name] for name in sorted(data, key=lambda name: name != "image")]
        yield [
            *((text, True) for text in said if isinstance(text, str)),
            *((text, False) for text in addresses if isinstance(text, str)),
        ]


def _ids(text: str, is_id: bool) -> Iterator[str]:
    """What a text may mean: an id as it stands, or that of the file that a name or an address ends in."""
    if is_id:
        yield text
        return
    try:
        parts = urlsplit(text)
        queried = parse_qs(parts.query).get("d", [""])[0]
    except ValueError:
        return
    path = queried or (unquote(parts.path) if parts.scheme or parts.query else text)
    last = path.replace("\\", "/").rpartition("/")[2]
    stem = last.rpartition(".")[0] or last
    yield from filter(None, (stem, last, _UPLOADED.sub("", stem, count=1)))


def _decisions(changed: Sequence[tuple[Sample, Labels]]) -> list[Decision]:
    return [Decision(sample.sample_id, labelled(sample, labels)) for sample, labels in changed]


def _same(sample: Sample, labels: Labels) -> bool:
    return sample.status == "labeled" and sample.labels == labels


def _pages(found: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (found[start : start + PAGE] for start in range(0, len(found), PAGE))
