"""Which dialect reads an answer, as the configuration has it."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from sidecar.app.config import RouteConfig, config_from
from sidecar.app.reading import Reading
from sidecar.dialects.routes import NAMES
from tests.kit.build import exchange

COLUMNS = {"boxes": [[1, 2, 30, 40]], "scores": [0.5], "labels": ["cat"]}


def reading(**settings: Any) -> Reading:
    return Reading(config_from({}, {"upstreams": [{"name": "A", "url": "http://127.0.0.1:8000"}], **settings}))


@pytest.mark.parametrize("dialect", NAMES)
def test_known_servers_path_is_a_guess_that_yields_to_the_body(dialect: str) -> None:
    """A server of one's own behind a known server's path is read all the same."""
    (found,) = reading().predictions_of(exchange(dialect=dialect, response_body=json.dumps(COLUMNS).encode()))
    assert found.undecodable == ""
    assert found.detections is not None
    assert found.detections.labels == ("cat",)


def test_routes_dialect_of_the_configuration_is_binding() -> None:
    """What a person named is not guessed over: another format is unreadable, and that is seen."""
    route = {"path": "/detect/{model}", "dialect": "torchserve"}
    (found,) = reading(routes=[route]).predictions_of(
        exchange(dialect="torchserve", response_body=json.dumps(COLUMNS).encode())
    )
    assert (found.undecodable, found.detections) == ("unknown_format", None)


def test_every_dialect_may_be_named_by_a_route() -> None:
    """The configuration takes the dialects there are, and refuses any other."""
    assert get_args(RouteConfig.model_fields["dialect"].annotation) == NAMES
