"""The calls about datasets, their items and versions: what to send and how to read the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sidecar.client.calls import (
    SLOW_TIMEOUT_S,
    SLOWEST_TIMEOUT_S,
    Call,
    Filter,
    encoded,
    json_of,
    listing,
    paging,
    params_of,
    reading,
    segment,
)
from sidecar.client.calls_feedback import box_of
from sidecar.client.errors import invalid_field
from sidecar.client.pages import Page
from sidecar.client.records import Claim, Dataset, DatasetVersion, Item, ItemEvent, LabelImport, VersionDiff
from sidecar.client.results import Records

DATASETS, VERSIONS = "/api/v1/datasets", "/api/v1/dataset-versions"
ZIP = "application/zip"
LIMIT_MAX = 1_000
"""The items of one page."""


def create_dataset(name: str, dataset_id: str | None) -> Call[Dataset]:
    """Make a dataset."""
    return Call("POST", DATASETS, reading(Dataset), body={"name": name, "id": dataset_id})


def datasets() -> Call[Records[Dataset]]:
    """All datasets."""
    return Call("GET", DATASETS, listing(Dataset))


def dataset(dataset_id: str) -> Call[Dataset]:
    """One dataset."""
    return Call("GET", _dataset(dataset_id), reading(Dataset))


def items_page(dataset_id: str, filters: Mapping[str, Filter]) -> Call[Page[Item]]:
    """One page of items."""
    return Call("GET", _dataset(dataset_id, "/items"), paging(Item), params_of(filters))


def page_limit(limit: int) -> int:
    """The size of a page where ``limit`` items are wanted. Raises InvalidRequest where none are.

    >>> page_limit(5), page_limit(5_000)
    (5, 1000)
    """
    if limit < 1:
        raise invalid_field("limit", "must be at least 1")
    return min(limit, LIMIT_MAX)


def claim_next_item(dataset_id: str, by: str, queue: str, lease_s: float) -> Call[Item | None]:
    """Claim the next item of a queue."""
    body = {"by": by, "queue": queue, "lease_s": lease_s}
    return Call("POST", _dataset(dataset_id, "/claim"), _claimed_of, body=body)


def events_page(path: str, filters: Mapping[str, Filter]) -> Call[Page[ItemEvent]]:
    """One page of what was done; ``path`` is ``item_path`` or ``dataset_path``."""
    return Call("GET", f"{path}/events", paging(ItemEvent), params_of(filters))


def item(item_id: str) -> Call[Item]:
    """One item."""
    return Call("GET", item_path(item_id), reading(Item))


def delete_item(item_id: str, by: str) -> Call[Item]:
    """Delete an item."""
    return Call("DELETE", item_path(item_id), reading(Item), {"by": by})


def act(item_id: str, action: str, **body: Any) -> Call[Item]:
    """Claim, release or undo.

    >>> act("s1", "undo", by="ann").path
    '/api/v1/items/s1/undo'
    """
    return Call("POST", f"{item_path(item_id)}/{action}", reading(Item), body=body)


def decide(item_id: str, action: str, revision: int | None, **body: Any) -> Call[Item]:
    """Label, confirm or reject; ``revision`` is that of the item as it was seen.

    >>> decide("s1", "confirm", None, by="ann").body
    {'by': 'ann'}
    """
    return act(item_id, action, **body, **({} if revision is None else {"revision": revision}))


def label_item(item_id: str, labels: Iterable[Mapping[str, Any]], by: str, revision: int | None = None) -> Call[Item]:
    """Say what is in an image."""
    boxes = [{**label, "box": box_of(label["box"])} if "box" in label else dict(label) for label in labels]
    return decide(item_id, "label", revision, labels=boxes, by=by)


def dataset_versions(dataset_id: str) -> Call[Records[DatasetVersion]]:
    """Versions of a dataset."""
    return Call("GET", _dataset(dataset_id, "/versions"), listing(DatasetVersion))


def create_dataset_version(dataset_id: str, parent_version_id: str | None, name: str, by: str) -> Call[DatasetVersion]:
    """Make a version."""
    body = {"name": name, "parent_version_id": parent_version_id, "by": by}
    path = _dataset(dataset_id, "/versions")
    return Call("POST", path, reading(DatasetVersion), body=body, timeout_s=SLOWEST_TIMEOUT_S)


def dataset_version(version_id: str) -> Call[DatasetVersion]:
    """One version."""
    return Call("GET", _version(version_id), reading(DatasetVersion))


def diff_dataset_versions(version_id: str, base: str | None) -> Call[VersionDiff]:
    """What a version changes."""
    path = _version(version_id, "/diff")
    return Call("GET", path, reading(VersionDiff), params_of({"base": base}), timeout_s=SLOW_TIMEOUT_S)


def export_dataset_version(version_id: str, format: str) -> Call[bytes]:
    """A version as a zip file."""
    path = _version(version_id, "/export")
    return Call("GET", path, bytes, {"format": format}, timeout_s=SLOWEST_TIMEOUT_S, media_types=(ZIP,))


def import_labels(dataset_id: str, format: str, document: bytes, by: str) -> Call[LabelImport]:
    """Take labels from a document that is JSON already."""
    params = {"format": format, "by": by} if by else {"format": format}
    path = _dataset(dataset_id, "/labels")
    return Call("POST", path, reading(LabelImport), params, document, timeout_s=SLOWEST_TIMEOUT_S)


def document_bytes(document: Mapping[str, Any] | Sequence[Any]) -> bytes:
    """A document of labels as JSON. Raises InvalidRequest naming the field that JSON can't hold.

    >>> document_bytes([{"id": 1}])
    b'[{"id": 1}]'
    """
    if isinstance(document, Mapping):
        return encoded(document)
    try:
        return json_of(list(document))
    except (TypeError, ValueError, RecursionError) as error:
        raise invalid_field("document", f"can't be sent as JSON: {error}") from error


def dataset_path(dataset_id: str) -> str:
    """Where a dataset is."""
    return _dataset(dataset_id)


def item_path(item_id: str) -> str:
    """Where an item is."""
    return f"/api/v1/items/{segment(item_id, 'item_id')}"


def _dataset(dataset_id: str, rest: str = "") -> str:
    return f"{DATASETS}/{segment(dataset_id, 'dataset_id')}{rest}"


def _version(version_id: str, rest: str = "") -> str:
    return f"{VERSIONS}/{segment(version_id, 'version_id')}{rest}"


def _claimed_of(body: bytes) -> Item | None:
    return reading(Claim)(body).item
