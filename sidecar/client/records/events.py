"""Records of events.

Made by tests/client/generate_records.py: change the API's types and make it anew.
"""

from __future__ import annotations

from typing import Literal

from sidecar.client.results import Record, Time


class Event(Record):
    """Something that came about: a version's first traffic, its registration or promotion, a test of versions that
    began, changed its split, was paused, resumed or ended, an alert that fired, a baseline that was set.

    ``text`` says so for people. ``model`` and ``version`` are what it is about, ``model_id`` both as one name; all are
    empty for the sidecar itself, and ``*`` is every model. ``subject`` and ``id`` are what to look at.
    """

    at: Time
    kind: Literal[
        "first_traffic",
        "registered",
        "promoted",
        "test_began",
        "test_changed",
        "test_paused",
        "test_resumed",
        "test_ended",
        "alert_fired",
        "baseline_set",
    ]
    model: str
    version: str
    model_id: str
    text: str
    subject: Literal["model", "ab_test", "shadow_test", "alert", "baseline"]
    id: str
