"""The endpoints of items: images in review."""

from __future__ import annotations

from functools import partial
from typing import Any

from sidecar.api import schemas_items as schemas
from sidecar.api.etags import Tagged
from sidecar.api.review import Review
from sidecar.api.routes import Call, Route, there
from sidecar.types import Label


def _of(call: Call) -> Review:
    return there(call.services.review)


def _revision(call: Call) -> int | None:
    """The item's, as the asker saw it: by the body or by If-Match."""
    said: int | None = getattr(call.body, "revision", None)
    return call.seen["revision"] if said is None and call.seen is not None else said


async def items(call: Call) -> dict[str, Any]:
    """Items of a dataset in the order of their queue, a page at a time."""
    query: schemas.ItemsQuery = call.query
    return dict(await _of(call).items(call.path["dataset_id"], **query.model_dump()))


async def claim_next_item(call: Call) -> dict[str, Any]:
    """Claim the next item of a queue, so that nobody else reviews it meanwhile."""
    body: schemas.ClaimNextBody = call.body
    found = await _of(call).claim_next(call.path["dataset_id"], body.by, body.queue, body.lease_s)
    return {"item": None if found is None else _TAGGED.with_tag(found)}


async def dataset_events(call: Call) -> dict[str, Any]:
    """Who did what to the items of a dataset, newest first, a page at a time."""
    query: schemas.EventsQuery = call.query
    return dict(await _of(call).dataset_events(call.path["dataset_id"], query.limit, query.cursor))


async def item(call: Call) -> dict[str, Any]:
    """One item."""
    return dict(await _of(call).item(call.path["item_id"]))


async def delete_item(call: Call) -> dict[str, Any]:
    """Delete an image for good; returns the item as it was. Versions keep its checksum."""
    query: schemas.DeletionQuery = call.query
    return dict(await _of(call).delete(call.path["item_id"], query.by, _revision(call)))


async def claim_item(call: Call) -> dict[str, Any]:
    """Claim an item by its id. Its review is then no part of the audit."""
    body: schemas.ClaimBody = call.body
    return dict(await _of(call).claim(call.path["item_id"], body.by, body.lease_s, _revision(call)))


async def release_item(call: Call) -> dict[str, Any]:
    """Give a claimed item back unreviewed."""
    body: schemas.ByBody = call.body
    return dict(await _of(call).release(call.path["item_id"], body.by, _revision(call)))


async def label_item(call: Call) -> dict[str, Any]:
    """Say what is in an image, in boxes."""
    body: schemas.LabelBody = call.body
    labels = [Label(given.label, (given.box[0], given.box[1], given.box[2], given.box[3])) for given in body.labels]
    return dict(await _of(call).label(call.path["item_id"], labels, body.by, _revision(call)))


async def confirm_item(call: Call) -> dict[str, Any]:
    """Say that the prediction is right: its detections become the labels."""
    body: schemas.DecisionBody = call.body
    return dict(await _of(call).confirm(call.path["item_id"], body.by, _revision(call)))


async def reject_item(call: Call) -> dict[str, Any]:
    """Put an image aside from which nothing can be learnt."""
    body: schemas.RejectionBody = call.body
    return dict(await _of(call).reject(call.path["item_id"], body.by, body.reason, _revision(call)))


async def undo_item(call: Call) -> dict[str, Any]:
    """Take back one's own last action on an item."""
    body: schemas.ByBody = call.body
    return dict(await _of(call).undo(call.path["item_id"], body.by, _revision(call)))


async def item_events(call: Call) -> dict[str, Any]:
    """Who did what to an item, newest first, a page at a time."""
    query: schemas.EventsQuery = call.query
    return dict(await _of(call).item_events(call.path["item_id"], query.limit, query.cursor))


_DATASET = "/api/v1/datasets/{dataset_id}"
_ITEM = "/api/v1/items/{item_id}"
_TAGGED = Tagged("item", ("id", "revision"))
_change = partial(Route, "POST", gives=schemas.Item, scope="review", tagged=_TAGGED, present=item)

ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        f"{_DATASET}/items",
        "Items of a dataset",
        items,
        query=schemas.ItemsQuery,
        gives=schemas.ItemsPage,
        operation="get_flagged_items",
        tagged=_TAGGED,
    ),
    Route(
        "POST",
        f"{_DATASET}/claim",
        "Claim the next item",
        claim_next_item,
        body=schemas.ClaimNextBody,
        gives=schemas.ClaimOut,
        scope="review",
    ),
    Route(
        "GET",
        f"{_DATASET}/events",
        "What was done in a dataset",
        dataset_events,
        query=schemas.EventsQuery,
        gives=schemas.ItemEventsPage,
    ),
    Route("GET", _ITEM, "One item", item, gives=schemas.Item, operation="get_item", tagged=_TAGGED),
    Route(
        "DELETE",
        _ITEM,
        "Delete an item",
        delete_item,
        query=schemas.DeletionQuery,
        gives=schemas.Item,
        tagged=_TAGGED,
        present=item,
    ),
    _change(f"{_ITEM}/claim", "Claim an item", claim_item, body=schemas.ClaimBody),
    _change(f"{_ITEM}/release", "Give an item back", release_item, body=schemas.ByBody),
    _change(
        f"{_ITEM}/label", "Label an item", label_item, body=schemas.LabelBody, body_bytes_max=schemas.LABELS_BYTES_MAX
    ),
    _change(f"{_ITEM}/confirm", "Confirm a prediction", confirm_item, body=schemas.DecisionBody),
    _change(f"{_ITEM}/reject", "Reject an item", reject_item, body=schemas.RejectionBody),
    _change(f"{_ITEM}/undo", "Take an action back", undo_item, body=schemas.ByBody),
    Route(
        "GET",
        f"{_ITEM}/events",
        "What was done to an item",
        item_events,
        query=schemas.EventsQuery,
        gives=schemas.ItemEventsPage,
    ),
)
