"""What can go wrong, and what it says."""

from __future__ import annotations

import pickle

import pytest

from sidecar.client import (
    Busy,
    Changed,
    Client,
    Conflict,
    FieldError,
    Forbidden,
    InvalidRequest,
    NotFound,
    ServerError,
    SidecarError,
    Unauthorized,
)
from tests.client.scripted import Script

KINDS = [
    (400, InvalidRequest), (401, Unauthorized), (403, Forbidden), (404, NotFound), (409, Conflict), (412, Changed),
    (413, InvalidRequest), (415, InvalidRequest), (421, Unauthorized), (422, InvalidRequest), (429, Busy),
    (500, ServerError), (501, ServerError), (507, ServerError),
]  # fmt: skip


@pytest.mark.parametrize(("status", "kind"), KINDS)
def test_error_has_its_kind_and_the_words_of_the_problem(
    script: Script, client: Client, status: int, kind: type[SidecarError]
) -> None:
    """Each status is an exception of its own, with the fields that are wrong."""
    problem = {"type": "about:blank", "detail": "share: too much"}
    script.will_give(problem | {"errors": [{"field": "share", "message": "too much"}]}, status, Retry_After="99")
    with pytest.raises(kind) as raised:
        client.ramp_shadow_test("x", 2.0)
    assert type(raised.value) is kind
    assert (raised.value.status, raised.value.errors) == (status, (FieldError("share", "too much"),))
    assert str(raised.value) == "share: too much"


def test_busy_is_a_503_that_says_when_to_come_back(script: Script, client: Client) -> None:
    """Without that it is not known to pass."""
    for headers, kind in (({"Retry_After": "60"}, Busy), ({}, ServerError)):
        for _ in range(1 if headers else 3):
            script.will_give({"type": "about:blank", "detail": "no"}, 503, **headers)
        with pytest.raises(ServerError) as raised:
            Client(script.url, sleep=lambda _: None).status()
        assert type(raised.value) is kind


def test_field_that_the_detail_leaves_out_is_told_below_it() -> None:
    """So a traceback says all of it."""
    errors = [FieldError("condition.metric", "is not known"), FieldError("notify.0", "must name a channel")]
    assert str(InvalidRequest("2 faults: notify.0: must name a channel", 422, errors)).splitlines() == [
        "2 faults: notify.0: must name a channel",
        "  condition.metric: is not known",
    ]


def test_kinds_may_be_caught_by_their_families() -> None:
    """A script that knows InvalidRequest and Unauthorized alone goes on to work."""
    assert issubclass(Changed, Conflict)
    assert issubclass(Conflict, InvalidRequest)
    assert issubclass(Forbidden, Unauthorized)
    assert issubclass(Busy, ServerError)


def test_error_survives_another_process() -> None:
    """As worker pools pass them on."""
    error = pickle.loads(pickle.dumps(Conflict("in the way", 409, [FieldError("name", "is taken")])))
    assert (type(error), str(error), error.status) == (Conflict, "in the way\n  name: is taken", 409)
    assert error.errors == (FieldError("name", "is taken"),)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[1]",
        b'"x"',
        b"",
        b'{"type": 1, "errors": 5}',
        b'{"type": "", "errors": [1, {"field": 2}]}',
        b"\xff",
    ],
)
def test_answer_that_is_no_problem_is_an_error_all_the_same(script: Script, client: Client, body: bytes) -> None:
    """Whatever a proxy in between wrote."""
    script.will_give(body, 422)
    with pytest.raises(InvalidRequest) as raised:
        client.settings()
    assert raised.value.status == 422
