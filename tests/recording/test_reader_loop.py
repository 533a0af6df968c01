import pytest

from sidecar.recording import (
    AuditCounts,
    AuditedRow,
    Batch,
    DatasetFigures,
    FeedbackBook,
    FeedbackRow,
    Items,
    Reader,
    Store,
    VerdictKey,
    VersionRow,
    Versions,
)
from sidecar.recording.reader_feedback import _CLIENTS_AMONG, _KNOWN_AMONG, _OF_CLIENT
from sidecar.types import Label

NOW = 1_700_000_000.0
CAR, DOG = Label("car", (1.0, 2.0, 30.0, 40.5)), Label("dog", (1.0, 2.0, 3.0, 4.0))


async def test_dataset_is_told_in_numbers(store: Store, items: Items, reader: Reader, keep) -> None:
    """Every status as it is now; of the audit what waits and what was reviewed in it; boxes of each class."""
    await keep("waits", bytes=5)
    await keep("over")
    await keep("held", drawn=0.1)
    await keep("audited", drawn=0.1)
    await keep("refused", drawn=0.1, audit_rank=0.5)
    await keep("by value")
    await items.decide("by value", "ann", 1.0, "label", "labeled", {"labels": (DOG,)})
    await keep("by value", drawn=0.1, audit_rank=0.7)
    await keep("other", dataset_id="other")
    await items.claim("over", "ann", "", NOW, NOW - 600)
    await items.claim_next("det", "ann", "audit", NOW + 1, 0.0)
    for labels in ((CAR, CAR, DOG), None):
        given = await items.claim_next("det", "ann", "audit", NOW, 0.0)
        assert given is not None
        status = "rejected" if labels is None else "labeled"
        await items.decide(given.sample_id, "ann", 1.0, "label", status, {"labels": labels})
    await Versions(store).add(VersionRow("v1", "det", "", "", "", 2.0, "c", 0, {}), [], {})
    assert await reader.dataset_figures("det", NOW) == DatasetFigures(
        items=6,
        by_status={"needs_review": 2, "in_review": 1, "labeled": 2, "rejected": 1},
        sampled=3,
        waiting=1,
        reviewed=2,
        bytes=50_005,
        classes={"car": 2, "dog": 2},
        classes_of=2,
        versions=1,
    )
    nothing = await reader.dataset_figures("none", NOW)
    assert (nothing.items, nothing.bytes, nothing.classes, set(nothing.by_status.values())) == (0, 0, {}, {0})


async def test_classes_are_of_the_newest_images_where_there_are_many(reader: Reader, keep, monkeypatch) -> None:
    """It is told of how many."""
    monkeypatch.setattr("sidecar.recording.reader_figures.FIGURES_ITEMS_MAX", 2)
    for name, label in (("a", CAR), ("c", DOG), ("b", DOG)):
        await keep(name, status="labeled", labels=(label,))
    figures = await reader.dataset_figures("det", NOW)
    assert (figures.classes, figures.classes_of, figures.by_status["labeled"]) == ({"dog": 2}, 2, 3)


async def test_audit_of_a_test_tells_every_image_drawn(items: Items, reader: Reader, keep) -> None:
    """With verdict and unit of those labeled in the audit; of what waits or was rejected there is none, and what had
    been reviewed for its value before it was drawn is no part of it."""
    of_test = {"experiment": "t-1", "role": "treatment"}
    for place, (unit, verdict) in enumerate((("u1", "correct"), ("u1", "correct"), ("u2", "wrong_box"), ("u2", ""))):
        await keep(f"s{place}", drawn=0.25, audit_rank=place / 10, epoch=2, unit=unit, **of_test)
        await items.claim_next("det", "ann", "audit", 600.0, 0.0)
        status = "labeled" if verdict else "rejected"
        await items.decide(f"s{place}", "ann", 1.0, "label", status, {"labels": (), "verdict": verdict})
    await keep("waits", drawn=0.25, epoch=2, unit="u3", **of_test)
    await keep("other rate", drawn=0.5, epoch=1, unit="u1", **of_test)
    await keep("by value", epoch=2, unit="u1", **of_test)
    await items.decide("by value", "ann", 1.0, "label", "labeled", {"labels": (), "verdict": "wrong_box"})
    await keep("by value", drawn=0.25, epoch=2, unit="u1", **of_test)
    await keep("chosen", **of_test)
    await keep("elsewhere", drawn=0.25, experiment="t-2")
    assert await reader.audited("t-1") == [
        AuditedRow(1, "treatment", "3", 0.5, "", "", "", 1),
        AuditedRow(2, "treatment", "3", 0.25, "", "", "", 2),
        AuditedRow(2, "treatment", "3", 0.25, "correct", "u1", "p-s0", 1),
        AuditedRow(2, "treatment", "3", 0.25, "correct", "u1", "p-s1", 1),
        AuditedRow(2, "treatment", "3", 0.25, "wrong_box", "u2", "p-s2", 1),
    ]
    assert await reader.audited("") == []


async def test_audit_of_many_units_tells_all_that_waits(reader: Reader, keep, monkeypatch) -> None:
    """At the bound rows of units are left out, and none of what was drawn and not reviewed."""
    monkeypatch.setattr("sidecar.recording.reader_figures.AUDITED_MAX", 3)
    for number in range(6):
        reviewed = {"status": "labeled", "reviewed_in": "audit", "verdict": "correct"} if number < 4 else {}
        await keep(f"s{number}", drawn=0.1, experiment="t-1", unit=f"u{number}", **reviewed)
    assert [(row.verdict, row.unit, row.n) for row in await reader.audited("t-1")] == [
        ("", "", 2),
        ("correct", "u0", 1),
        ("correct", "u1", 1),
    ]


async def test_audited_images_of_a_model_come_by_time(reader: Reader, keep, detections) -> None:
    """With labels and detections, page by page, of a period; and how many were drawn and reviewed by version."""
    reviewed = {"status": "labeled", "reviewed_in": "audit", "labels": (CAR,), "detections": detections}
    for number in (3, 1, 2, 9):
        await keep(f"s{number}", drawn=0.1, at=float(number), **reviewed)
    await keep("unfit", drawn=0.1, at=2.0, status="rejected", reviewed_in="audit", version="4")
    await keep("waits", drawn=0.1, at=2.0, version="4")
    await keep("by value", drawn=0.1, at=2.0, status="labeled", reviewed_in="value", version="4")
    await keep("chosen", at=2.0, **reviewed)
    await keep("other", drawn=0.1, at=2.0, **{**reviewed, "model": "other"})
    first, after = await reader.audited_of_model("yolo", 1.0, 9.0, limit=2)
    rest, end = await reader.audited_of_model("yolo", 1.0, 9.0, after, limit=2)
    assert ([item.sample_id for item in (*first, *rest)], end) == (["s1", "s2", "s3"], None)
    assert first[0].labels == (CAR,)
    assert first[0].detections is not None
    assert first[0].detections.labels == detections.labels
    assert await reader.audited_counts("yolo", 1.0, 9.0) == {"3": AuditCounts(3, 3, 0), "4": AuditCounts(2, 0, 1)}


async def test_counts_are_read_from_an_index_alone(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """No row of an image, with its detections, is read to count it; only the labels of some are, by their row."""
    fetch = reader._fetch
    looked: list[str] = []

    async def explain(statement: str, parameters):
        plan = [row[3] for row in await fetch(f"EXPLAIN QUERY PLAN {statement}", parameters)]
        looked.extend(step for step in plan if step.startswith(("SEARCH", "SCAN")) and "VIRTUAL TABLE" not in step)
        return await fetch(statement, parameters)

    monkeypatch.setattr(reader, "_fetch", explain)
    await reader.dataset_figures("det", NOW)
    await reader.audited("t-1")
    await reader.audited_counts("yolo", 0.0, NOW)
    await reader.users_counts("yolo", 0.0, NOW)
    by_row = [step for step in looked if "USING COVERING INDEX" not in step and "audit_gone" not in step]
    assert by_row == ["SEARCH samples USING INTEGER PRIMARY KEY (rowid=?)", "SCAN (subquery-1)"]
    used = {step.partition("COVERING INDEX ")[2].partition(" ")[0] for step in looked} - {""}
    assert {"samples_queue", "samples_audit", "samples_experiment", "samples_model", "verdicts_model"} <= used
    assert {"audit_gone_experiment"} <= used
    assert len(looked) >= 9


def said(feedback_id: str, prediction_id: str, kind: str, **changes) -> FeedbackRow:
    values = {"author": "ann", "at": NOW, "received_at": NOW, **changes}
    return FeedbackRow(feedback_id, prediction_id, "", kind, None, "", None, "", note="", **values)


async def test_feedback_is_paged_and_filtered(store: Store, reader: Reader) -> None:
    """What was received last first, by prediction, model and type."""
    keys = {f"p{n}": VerdictKey("yolo" if n < 3 else "other", "3", "serving", "", 0, "") for n in range(5)}
    rows = [
        said(f"f{n}", f"p{n}", "wrong_box" if n % 2 else "correct", received_at=NOW + 10 * n, at=NOW) for n in range(5)
    ]
    await FeedbackBook(store).submit(rows, keys, NOW)
    first = await reader.feedback(limit=3)
    rest = await reader.feedback(before=first.next)
    assert [row.feedback_id for row in (*first.items, *rest.items)] == ["f4", "f3", "f2", "f1", "f0"]
    assert rest.next is None
    assert [row.feedback_id for row in (await reader.feedback(model="yolo")).items] == ["f2", "f1", "f0"]
    assert [row.feedback_id for row in (await reader.feedback(feedback_type="wrong_box")).items] == ["f3", "f1"]
    assert [row.feedback_id for row in (await reader.feedback(prediction_id="p3")).items] == ["f3"]


async def test_users_verdicts_are_counted_by_version_and_type(store: Store, reader: Reader) -> None:
    """One a prediction, in the ten seconds of its first statement."""
    book = FeedbackBook(store)
    keys = {f"p{n}": VerdictKey("yolo", "4" if n == 3 else "3", "serving", "", 0, "") for n in range(5)}
    for number, now in enumerate((NOW - 10, NOW, NOW, NOW, NOW + 20)):
        await book.submit([said(f"f{number}", f"p{number}", "correct")], keys, now)
    await book.submit([said("again", "p1", "wrong_box", author="bob", at=NOW + 5, received_at=NOW + 5)], keys, NOW + 90)
    assert await reader.users_counts("yolo", NOW + 5, NOW + 20) == {
        "3": {"correct": 1, "wrong_box": 1},
        "4": {"correct": 1},
    }
    assert await reader.users_counts("other", 0.0, NOW + 99) == {}


async def test_prediction_is_found_by_the_clients_own_id(store: Store, reader: Reader, make_prediction) -> None:
    """All images of the request, of the last day that has any, days back; no other's, and none for no id."""
    day_s = 86_400
    images = [make_prediction(n, at=NOW, client_request_id="c-1", image_index=n) for n in (1, 0)]
    earlier = make_prediction(5, at=NOW - 5 * day_s, client_request_id="c-1")
    others = [make_prediction(10 + n, at=NOW + n * day_s, client_request_id="") for n in (-20, 3)]
    long_ago = make_prediction(6, at=NOW - 40 * day_s, client_request_id="c-0")
    await store.commit(Batch([*images, earlier, *others, long_ago]))
    assert [found.prediction_id for found in await reader.find_by_client_request("c-1")] == ["id-0", "id-1"]
    assert await reader.find_by_client_request("c-0") == []
    assert await reader.find_by_client_request("none") == []
    assert await reader.find_by_client_request("") == []
    await store.delete_prediction("id-0")
    await store.delete_prediction("id-1")
    assert [found.prediction_id for found in await reader.find_by_client_request("c-1")] == ["id-5"]


async def test_clients_id_is_looked_for_day_by_day(store: Store, reader: Reader, make_prediction) -> None:
    """Each call looks through one day and tells where the next goes on, back to where it was asked to."""
    day_s = 86_400
    old = make_prediction(1, at=NOW - 2 * day_s, client_request_id="c-1")
    await store.commit(Batch([old, make_prediction(2, at=NOW, client_request_id="")]))
    found, before = await reader.day_of_client_request("c-1")
    days = 1
    while not found and before is not None:
        found, before = await reader.day_of_client_request("c-1", before)
        days += 1
    assert ([each.prediction_id for each in found], days) == (["id-1"], 3)
    assert await reader.day_of_client_request("c-1", since=NOW - 100) == ([], None)


async def test_known_ids_are_found_among_many(store: Store, reader: Reader, keep, make_prediction) -> None:
    """Of predictions, requests of several images and kept images; of clients those of a time."""
    images = [make_prediction(n, prediction_id=f"r.{n}", request_id="r", client_request_id="c-1") for n in range(2)]
    later = make_prediction(900, client_request_id="c-2")
    await store.commit(Batch([*images, later]))
    await keep("kept")
    asked = ["r", "r.1", "id-900", "p-kept", "none", "r.", ""]
    assert await reader.known_among(asked) == {"r", "r.1", "id-900", "p-kept"}
    assert await reader.clients_among(["c-1", "c-2", "c-3", ""], NOW) == {"c-1", "c-2"}
    assert await reader.clients_among(["c-1", "c-2"], NOW + 800) == {"c-2"}
    assert await reader.clients_among(["c-1", "c-2"], NOW + 2_000) == set()
    for statement, values in ((_KNOWN_AMONG, ("[]",)), (_CLIENTS_AMONG, (5, 0, "[]"))):
        plan = [row[3] for row in await store.fetch(f"EXPLAIN QUERY PLAN {statement}", values)]
        assert not [step for step in plan if step.startswith("SCAN") and ("predictions" in step or "samples" in step)]


async def test_clients_id_is_looked_up_in_an_index(store: Store, reader: Reader) -> None:
    """One look for each ten seconds; a store without predictions has nothing to look in."""
    assert await reader.find_by_client_request("c-1") == []
    plan = [row[3] for row in await store.fetch(f"EXPLAIN QUERY PLAN {_OF_CLIENT}", (5, 0, "c", 9))]
    assert [step for step in plan if "predictions" in step] == [
        "SEARCH predictions USING INDEX predictions_client (<expr>=? AND client_request_id=?)"
    ]
