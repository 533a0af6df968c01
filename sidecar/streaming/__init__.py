"""The way of summaries to a monitoring backend: documents, and their delivery from the outbox in the store.

Key types: ``Delivery`` sends what waits for one destination; ``DeliveryStats`` are its figures for /metrics;
``summary_item`` makes the outbox item of a closed bucket, ``summary_document`` the JSON document in it.

Invariants: an item leaves the outbox only after the receiver took it, so delivery is at least once and goes on after
a restart. A document carries (instance, key, revision): a receiver that keeps the highest revision of each key has
every summary exactly once, whatever order or repetition they arrive in. A receiver that is away costs disk up to a
named bound, never memory; what the bound drops is counted.
"""

from sidecar.streaming.delivery import Delivery, DeliveryStats
from sidecar.streaming.documents import SCHEMA, SCHEMA_VERSION, summary_document, summary_item

__all__ = ["SCHEMA", "SCHEMA_VERSION", "Delivery", "DeliveryStats", "summary_document", "summary_item"]
