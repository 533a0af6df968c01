"""The endpoints of feedback, over a real store."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest
from aiohttp.test_utils import TestClient

from sidecar.api import Services
from sidecar.api.bodies import BODY_BYTES_MAX
from sidecar.api.schemas_feedback import BULK_BYTES_MAX, Feedback, FeedbackBulkOut, FeedbackPage, FeedbackReport
from sidecar.api.submissions import answer_feedback
from sidecar.recording import Store
from tests.api.looped import add_predictions

Http = TestClient[Any, Any]
FEEDBACK = "/api/v1/feedback"
WRONG = {"prediction_id": "f0", "feedback_type": "wrong_label", "detection_index": 1, "correct_class": "cat"}


@pytest.fixture(autouse=True)
async def predictions(services: Services, store: Store) -> None:
    """Predictions to speak of."""
    await add_predictions(store)


async def faults_of(answer: Any) -> list[str]:
    return [fault["field"] for fault in (await answer.json(content_type=None))["errors"]]


async def say(http: Http, body: dict[str, Any]) -> dict[str, Any]:
    answer = await http.post(FEEDBACK, json=body)
    document: dict[str, Any] = await answer.json(content_type=None)
    assert answer.status == 200, document
    Feedback.model_validate(document)
    return document


async def test_statement_knows_its_detection_and_said_again_is_the_same(http: Http) -> None:
    """Its class and score stand with it, and there is one of it."""
    first = await say(http, WRONG | {"by": "ann", "note": "two\nlines"})
    assert (first["label"], round(first["score"], 3), first["model"], first["status"]) == (
        "dog",
        0.6,
        "det",
        "recorded",
    )
    assert (first["correct_class"], first["correct_box"], first["note"]) == ("cat", None, "two\nlines")
    assert (await say(http, WRONG | {"by": "ann"}))["id"] == first["id"]
    page = await (await http.get(FEEDBACK)).json()
    FeedbackPage.model_validate(page)
    assert [item["id"] for item in page["items"]] == [first["id"]]


async def test_prediction_may_be_named_by_the_clients_own_id(http: Http) -> None:
    """The id that the client sent in X-Request-Id."""
    said = await say(http, {"request_id": "r0", "feedback_type": "correct"})
    assert (said["prediction_id"], said["client_request_id"]) == ("f0", "r0")


@pytest.mark.parametrize("named", [{"prediction_id": "m"}, {"request_id": "r1"}])
async def test_request_of_several_images_lists_their_ids(http: Http, named: dict[str, str]) -> None:
    """It must be said which is meant."""
    answer = await http.post(FEEDBACK, json={**named, "feedback_type": "correct"})
    assert (answer.status, await faults_of(answer)) == (422, list(named))
    assert "m.0, m.1" in (await answer.json(content_type=None))["detail"]


async def test_prediction_that_is_not_known_is_waited_for(http: Http) -> None:
    """It may still come."""
    said = await say(http, {"prediction_id": "later", "feedback_type": "missed_object", "correct_box": [1, 2, 3, 4]})
    assert (said["status"], said["model"], said["correct_box"]) == ("pending", "", [1.0, 2.0, 3.0, 4.0])


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"prediction_id": ""}, ["prediction_id"]),
        ({"request_id": "r0"}, ["prediction_id"]),
        ({"feedback_type": "wrong"}, ["feedback_type"]),
        ({"feedback_type": "missed_object"}, ["detection_index"]),
        ({"detection_index": -1}, ["detection_index"]),
        ({"detection_index": 2}, ["detection_index"]),
        ({"correct_box": [1, 2, 3]}, ["correct_box"]),
        ({"correct_box": [3, 2, 1, 4]}, ["correct_box"]),
        ({"correct_box": [0, 0, 1e9, 4]}, ["correct_box.2"]),
        ({"correct_class": "two\nlines"}, ["correct_class"]),
        ({"note": "bell\x07"}, ["note"]),
        ({"at": 4e9}, ["at"]),
        ({"by": "x" * 201, "note": "x" * 1_001}, ["by", "note"]),
        ({"feedback_type": "correct", "at": 4e9}, ["correct_class", "at"]),
        ({"colour": "red"}, ["colour"]),
        ({"correct_class": " "}, ["correct_class"]),
        ({"detection_index": True}, ["detection_index"]),
        ({"detection_index": "0"}, ["detection_index"]),
        (
            {"feedback_type": "wrong_box", "correct_class": None, "correct_box": [True, "2", 30, 40]},
            ["correct_box.0", "correct_box.1"],
        ),
    ],
)
async def test_faulty_statement_names_every_faulty_field(
    http: Http, changes: dict[str, Any], fields: list[str]
) -> None:
    """And nothing of it is kept."""
    answer = await http.post(FEEDBACK, json=WRONG | changes)
    assert (answer.status, await faults_of(answer)) == (422, fields)
    assert (await (await http.get(FEEDBACK)).json())["items"] == []


async def test_bulk_takes_what_it_can_and_tells_the_rest_by_its_place(http: Http) -> None:
    """A fault of one leaves the others be, whoever finds it."""
    items = [WRONG, {"feedback_type": "correct"}, 7, {"prediction_id": "later", "feedback_type": "correct"}]
    items.append(WRONG | {"detection_index": 9})
    answer = await http.post(f"{FEEDBACK}/bulk", json={"items": items})
    came = await answer.json()
    FeedbackBulkOut.model_validate(came)
    assert (answer.status, came["accepted"], came["pending"]) == (200, 2, 1)
    assert [(fault["index"], fault["field"]) for fault in came["faults"]] == [
        (1, "prediction_id"),
        (2, "body"),
        (4, "detection_index"),
    ]


async def test_bulk_of_nothing_but_faults_is_no_error(http: Http) -> None:
    """Nothing was taken."""
    answer = await http.post(f"{FEEDBACK}/bulk", json={"items": [{}]})
    assert (answer.status, (await answer.json())["accepted"]) == (200, 0)


@pytest.mark.parametrize(("n", "status"), [(0, 422), (1_000, 200), (1_001, 422)])
async def test_bulk_has_a_bound(http: Http, n: int, status: int) -> None:
    """At least one, at most a thousand; a thousand are more than an ordinary body."""
    content = orjson.dumps({"items": [WRONG] * n})
    assert n == 0 or len(content) > BODY_BYTES_MAX
    answer = await http.post(f"{FEEDBACK}/bulk", data=content, headers={"Content-Type": "application/json"})
    assert answer.status == status


@pytest.mark.parametrize("chunked", [False, True])
async def test_bulk_over_its_bytes_is_refused(http: Http, chunked: bool) -> None:
    """By its length, or as it comes where that is not told."""
    content = b" " * (BULK_BYTES_MAX + 1)

    async def parts() -> Any:
        yield content

    answer = await http.post(
        f"{FEEDBACK}/bulk", data=parts() if chunked else content, headers={"Content-Type": "application/json"}
    )
    assert (answer.status, str(BULK_BYTES_MAX) in await answer.text()) == (413, True)


async def test_pages_go_over_everything_once(http: Http) -> None:
    """Newest first, also of one kind only, and a cursor that is none is told."""
    for index in (0, 1):
        await say(http, WRONG | {"detection_index": index})
    await say(http, {"prediction_id": "m.0", "feedback_type": "correct"})
    first = await (await http.get(FEEDBACK, params={"limit": "2"})).json()
    rest = await (await http.get(FEEDBACK, params={"limit": "2", "cursor": first["next"]})).json()
    places = [item["detection_index"] for item in (*first["items"], *rest["items"])]
    assert (places, rest["next"]) == ([None, 1, 0], None)
    of_kind = await (await http.get(FEEDBACK, params={"feedback_type": "correct", "model_id": "det"})).json()
    assert [item["prediction_id"] for item in of_kind["items"]] == ["m.0"]
    answer = await http.get(FEEDBACK, params={"cursor": "nonsense"})
    assert (answer.status, await faults_of(answer)) == (422, ["cursor"])


async def test_report_is_well_formed_with_nothing_to_tell(http: Http) -> None:
    """Estimates are null before anything was reviewed."""
    answer = await http.get(f"{FEEDBACK}/report", params={"model_id": "det", "target_precision": "0.95"})
    report = await answer.json()
    FeedbackReport.model_validate(report)
    assert (answer.status, report["score"]["value"], report["threshold"]["target_precision"]) == (200, None, 0.95)


@pytest.mark.parametrize(
    ("question", "status", "field"),
    [
        ({}, 422, "model_id"),
        ({"model_id": ""}, 422, "model_id"),
        ({"model_id": "nope"}, 404, "model_id"),
        ({"model_id": "det", "since": "9", "until": "5"}, 422, "since"),
        ({"model_id": "det", "target_precision": "0"}, 422, "target_precision"),
        ({"model_id": "det", "target_precision": "95%"}, 422, "target_precision"),
    ],
)
async def test_question_that_makes_no_sense_names_its_field(
    http: Http, question: dict[str, str], status: int, field: str
) -> None:
    """Whoever judges it."""
    answer = await http.get(f"{FEEDBACK}/report", params=question)
    assert (answer.status, await faults_of(answer)) == (status, [field])


@pytest.mark.parametrize(
    ("content", "status", "told"),
    [
        (orjson.dumps(WRONG), 200, '"status":"recorded"'),
        (b"{", 400, "not JSON"),
        (b"[]", 422, "must be a JSON object"),
        (b'{"prediction_id": "f0", "feedback_type": "correct", "detection_index": 9}', 422, "detection_index"),
    ],
)
async def test_statement_of_the_data_port_is_answered_without_what_the_model_said(
    services: Services, content: bytes, status: int, told: str
) -> None:
    """A stranger learns whether it was taken, or what is wrong with it."""
    assert services.feedback is not None
    found, media_type, body = await answer_feedback(services.feedback, content, time.time())
    assert (found, told in body.decode()) == (status, True)
    assert (media_type == "application/json") is (status == 200)
    assert b"dog" not in body


async def test_right_class_is_kept_without_blanks_around_it(http: Http) -> None:
    """It would be another class."""
    assert (await say(http, WRONG | {"correct_class": " truck\n"}))["correct_class"] == "truck"
