"""Records of data engines.

Made by tests/client/generate_records.py: change the API's types and make it anew.
"""

from __future__ import annotations

from typing import Literal

from sidecar.client.results import ByName, Document, Record, Time


class LimitsHit(Record):
    """Images that a rule wanted and that were not kept since the monitor started, by what kept them out."""

    minute: int
    hour: int
    day: int
    cool_down: int
    near_duplicate: int
    budget: int


class DataEngine(Record):
    """The rules of a model, complete; ``config`` has every key. ``origin`` says who set them. ``kept_last_day`` are
    images by rule; one that two rules kept counts under both."""

    model: str
    dataset_id: str
    config: Document
    origin: Literal["config", "api"]
    updated_at: Time | None
    kept_last_day: ByName[int]
    limits_hit: ByName[LimitsHit]
    etag: str
