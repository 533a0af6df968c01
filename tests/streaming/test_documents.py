"""The documents a backend gets."""

import base64

import orjson

from sidecar.recording import OutboxItem
from sidecar.streaming import summary_item
from sidecar.streaming.documents import batch_body, idempotency_key
from sidecar.summaries import Summary, SummaryKey
from sidecar.types import RequestCounts

KEY = SummaryKey(1_700_000_000, 10, "det", "2", "control", "exp", 4, "night")


def summary() -> Summary:
    made = Summary()
    made.add_counts(RequestCounts(KEY.bucket, "det", "2", "control", "exp", 4, "night", requests=3, statuses={200: 3}))
    return made


def test_summary_item_holds_schema_key_revision_and_the_mergeable_form() -> None:
    """A backend can read the figures as JSON and merge the encoded summary exactly."""
    item = summary_item("hub", "edge-1", KEY, 9, summary())
    document = orjson.loads(item.payload)
    assert document["schema"] == {"name": "sidecar.summary", "version": 1}
    assert (document["instance"], document["revision"], item.revision) == ("edge-1", 9, 9)
    assert SummaryKey(**document["key"]) == KEY
    assert document["summary"]["requests"] == 3
    assert Summary.decode(base64.b64decode(document["encoded"])) == summary()


def test_items_of_unlike_keys_never_share_an_outbox_key() -> None:
    """Names with separators in them can't be mistaken for one another."""
    keys = [KEY._replace(model="a,b", version="c"), KEY._replace(model="a", version="b,c"), KEY._replace(epoch=5)]
    assert len({summary_item("hub", "", key, 1, summary()).key for key in keys}) == 3


def test_text_that_is_no_utf8_still_makes_a_document() -> None:
    """A slice from a header with stray bytes does not stop the stream."""
    item = summary_item("hub", "", KEY._replace(slice="n\udce4cht"), 1, summary())
    assert orjson.loads(item.payload)["key"]["slice"] == "n?cht"


def test_batch_is_json_of_its_documents() -> None:
    """Payloads go in unchanged, in order."""
    items = [OutboxItem("hub", str(i), 1, b'{"n":%d}' % i) for i in range(3)]
    assert [document["n"] for document in orjson.loads(batch_body(items))["documents"]] == [0, 1, 2]


def test_idempotency_key_depends_on_instance_keys_and_revisions() -> None:
    """The same batch has one key; another sidecar's, or a newer revision, another."""
    items = [OutboxItem("hub", "k", 1, b"{}")]
    newer = [OutboxItem("hub", "k", 2, b"{}")]
    assert idempotency_key("a", items) == idempotency_key("a", list(items))
    assert len({idempotency_key("a", items), idempotency_key("b", items), idempotency_key("a", newer)}) == 3
