"""What is sent: a summary as a JSON document, documents as a batch."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import orjson

from sidecar.recording import OutboxItem
from sidecar.summaries import Summary, SummaryKey

SCHEMA = "sidecar.summary"
SCHEMA_VERSION = 1
BATCH_SCHEMA = "sidecar.batch"


def summary_document(
    key: SummaryKey, summary: Mapping[str, Any], instance_id: str = "", encoded: bytes = b""
) -> dict[str, Any]:
    """The JSON-able document of one bucket: ``summary`` is a Summary's ``to_dict()``, whose ``revision`` it bears.

    ``encoded``, where given, is the Summary's mergeable form; it travels as base64. Times are seconds, see ``key``.

    >>> key = SummaryKey(1_700_000_000, 10, "m", "1", "serving", "", 0, "")
    >>> document = summary_document(key, {"revision": 3, "requests": 7}, "edge-1")
    >>> document["schema"], document["revision"], document["key"]["bucket"], document["summary"]
    ({'name': 'sidecar.summary', 'version': 1}, 3, 1700000000, {'requests': 7})
    """
    document: dict[str, Any] = {
        "schema": {"name": SCHEMA, "version": SCHEMA_VERSION},
        "instance": instance_id,
        "key": key._asdict(),
        "revision": summary["revision"],
        "summary": {name: value for name, value in summary.items() if name != "revision"},
    }
    if encoded:
        document["encoded"] = base64.b64encode(encoded).decode("ascii")
    return document


def summary_item(destination: str, instance_id: str, key: SummaryKey, revision: int, summary: Summary) -> OutboxItem:
    """The outbox item that carries ``summary`` to ``destination``; a later ``revision`` replaces it while it waits."""
    read_outs = {**summary.to_dict(), "revision": revision}
    document = summary_document(key, read_outs, instance_id, summary.encode())
    # surrogates (bytes of a header that are no UTF-8) have no JSON form
    return OutboxItem(destination, _key_text(key), revision, orjson.dumps(_plain_text(document)))


def batch_body(items: Sequence[OutboxItem]) -> bytes:
    """The JSON of a batch; the payloads are JSON already and go in as they are.

    >>> batch_body([OutboxItem("hub", "k", 1, b'{"a":1}')])
    b'{"schema":{"name":"sidecar.batch","version":1},"documents":[{"a":1}]}'
    """
    head = orjson.dumps({"schema": {"name": BATCH_SCHEMA, "version": SCHEMA_VERSION}})[:-1]
    return head + b',"documents":[' + b",".join(item.payload for item in items) + b"]}"


def idempotency_key(instance_id: str, items: Sequence[OutboxItem]) -> str:
    """The same for the same documents, so that a receiver can tell a batch that was sent again."""
    digest = blake2b(instance_id.encode("utf-8", "surrogateescape"), digest_size=16)
    for item in items:
        digest.update(f"\0{item.key}\0{item.revision}".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _key_text(key: SummaryKey) -> str:
    return orjson.dumps(_plain_text(list(key))).decode()


def _plain_text(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_plain_text(name): _plain_text(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_text(item) for item in value]
    return value
