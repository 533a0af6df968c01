"""Predictions, samples and summaries, of a real HTTP server whose answers the test writes."""

from __future__ import annotations

from datetime import datetime

import pytest

from sidecar.client import (
    Client,
    InvalidRequest,
)
from tests.client.scripted import Script


def test_result_answers_to_keys_and_attributes(script: Script, client: Client) -> None:
    """A prediction's parts are reached either way, and the token is sent."""
    script.will_give({"prediction_id": "a/b", "detections": [{"label": "cat"}]})
    found = client.get_prediction("a/b")
    assert (found.detections[0].label, found["detections"][0]["label"]) == ("cat", "cat")
    method, path, headers, _ = script.asked[0]
    assert (method, path, headers["Authorization"]) == ("GET", "/api/v1/predictions/a%2Fb", "Bearer t")


def test_time_without_zone_is_refused_before_it_is_sent(client: Client) -> None:
    """A naive time is ambiguous."""
    with pytest.raises(InvalidRequest, match="since"):
        client.summaries(since=datetime(2026, 1, 1))


def test_sample_image_is_bytes(script: Script, client: Client) -> None:
    """The image comes as it was kept, or of a width."""
    script.will_give(b"\x89PNG\x00")
    assert client.sample_image("s1") == b"\x89PNG\x00"
    script.will_give(b"\xff\xd8")
    assert client.sample_image("s1", width=320) == b"\xff\xd8"
    assert [path for _, path, _, _ in script.asked] == [f"/api/v1/samples/s1/image{q}" for q in ("", "?width=320")]
