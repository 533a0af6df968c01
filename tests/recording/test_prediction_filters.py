"""Filters of predictions that no index answers: exact, and looked for a bounded stretch at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sidecar.recording import Batch, Items, PredictionFilters, Reader, Store, newest_first, reader_predictions
from sidecar.types import Detections, Label, Prediction
from tests.recording.conftest import MakePrediction
from tests.recording.test_reader_scan import AT, by_pages, by_scan

LABELS = ("car", "traffic light", "two\nlines")
SCORES = (0.1, 0.3, 0.5, 0.7, 0.9)


def found(*seen: tuple[str, float]) -> Detections:
    n = len(seen)
    classes = np.array([LABELS.index(name) for name, _ in seen], np.int32)
    return Detections(np.zeros((n, 4), "f4"), np.array([score for _, score in seen], "f4"), classes, LABELS)


async def fill(store: Store, predictions: list[Prediction]) -> None:
    await store.commit(Batch(predictions, [], {(0, 1): 1}))


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"unit": "gate"}, ["id-0"]),
        ({"min_latency_ms": 12.5}, ["id-4", "id-3", "id-2", "id-1"]),
        ({"max_latency_ms": 12.5}, ["id-4", "id-3", "id-2", "id-0"]),
        ({"min_latency_ms": 13, "max_latency_ms": 90}, ["id-1"]),
        ({"min_confidence": 0.9}, ["id-4", "id-0"]),
        ({"min_confidence": 0.3, "max_confidence": 0.55}, ["id-1"]),
        ({"label": "car", "min_confidence": 0.6}, ["id-0"]),
        ({"label": "traffic light", "max_confidence": 0.6}, ["id-1", "id-0"]),
        ({"label": "two\nlines", "min_confidence": 0.85}, ["id-4"]),
        ({"max_confidence": 0.2}, []),
        ({"sampled": True}, []),
        ({"sampled": False, "unit": "gate"}, ["id-0"]),
    ],
    ids=str,
)
async def test_filter_finds_what_it_names(
    store: Store, reader: Reader, make_prediction: MakePrediction, filters: dict[str, Any], expected: list[str]
) -> None:
    """One detection must lie between both confidences and be of the class; what is under the threshold is none."""
    changes: list[dict[str, Any]] = [
        {"unit": "gate", "latency_ms": 3.0, "detections": found(("car", 0.9), ("traffic light", 0.6))},
        {"latency_ms": 80.0, "detections": found(("car", 0.5), ("traffic light", 0.3), ("car", 0.1))},
        {"detections": None},
        {"detections": found(("car", 0.2))},
        {"detections": found(("two\nlines", 0.9))},
    ]
    await fill(store, [make_prediction(number, **change) for number, change in enumerate(changes)])
    assert [item.prediction_id for item in (await reader.predictions(**filters)).items] == expected
    assert await by_scan(reader, PredictionFilters(**filters)) == expected


def holds(item: Prediction, label: str | None, low: float | None, high: float | None) -> bool:
    assert item.detections is not None
    return any(
        score >= np.float32(item.score_threshold)
        and (low is None or score >= np.float32(low))
        and (high is None or score <= np.float32(high))
        and label in (None, item.detections.labels[place])
        for score, place in zip(item.detections.scores, item.detections.classes.tolist(), strict=True)
    )


@pytest.mark.parametrize("label", [None, *LABELS])
@pytest.mark.parametrize(("low", "high"), [(0.3, None), (None, 0.3), (0.3, 0.3), (0.31, 0.69), (0.9, 1.0), (None, 0.1)])
async def test_confidence_is_exact_at_the_very_number_that_is_shown(
    store: Store,
    reader: Reader,
    make_prediction: MakePrediction,
    monkeypatch: pytest.MonkeyPatch,
    label: str | None,
    low: float | None,
    high: float | None,
) -> None:
    """What has 0.3 is at least and at most 0.3, though no binary fraction is; the pages are as the scan, in any cut."""
    monkeypatch.setattr(newest_first, "STRETCH_ROWS", 7)
    monkeypatch.setattr(newest_first, "UNPACKED_ROWS", 3)
    monkeypatch.setattr(reader_predictions, "UNPACKED_MAX", 5)
    random = np.random.default_rng(7)
    made = [
        make_prediction(
            number,
            at=AT + number // 2,
            version=str(number % 3),
            score_threshold=(0.05, 0.3, 0.5)[number % 3],
            detections=found(*((LABELS[random.integers(3)], random.choice(SCORES)) for _ in range(number % 4))),
        )
        for number in range(80)
    ]
    await fill(store, made)
    newest = sorted(made, key=lambda item: (-item.at, -int(item.prediction_id[3:])))
    expected = [item.prediction_id for item in newest if holds(item, label, low, high)]
    filters: dict[str, Any] = {"label": label, "min_confidence": low, "max_confidence": high}
    assert await by_pages(reader, **filters) == expected
    assert await by_pages(reader, **filters, model="yolo") == expected
    assert await by_scan(reader, PredictionFilters(**filters)) == expected


@pytest.mark.parametrize(
    "filters", [{}, {"model": "yolo"}, {"model": "yolo", "version": "1"}, {"version": "1"}], ids=str
)
async def test_rare_hit_is_reached_by_pages_that_each_look_at_a_bounded_stretch(
    store: Store,
    reader: Reader,
    make_prediction: MakePrediction,
    monkeypatch: pytest.MonkeyPatch,
    filters: dict[str, Any],
) -> None:
    """A page without hits ends early and has a next one; no statement costs more than the others, wherever it is."""
    monkeypatch.setattr(newest_first, "STRETCH_ROWS", 100)
    monkeypatch.setattr(reader_predictions, "LOOKED_MAX", 300)
    rare = {5: {"detections": found(("traffic light", 0.9))}}
    for start in range(0, 2_000, 500):
        made = [make_prediction(i, version="1", **rare.get(i, {})) for i in range(start, start + 500)]
        await store.commit(Batch(made, [], {(0, 1): start}))
    steps: list[int] = []

    def count() -> int:
        steps[-1] += 1
        return 0

    fetch = reader._fetch

    async def counted(statement: str, parameters: Any) -> Any:
        steps.append(0)
        return await fetch(statement, parameters)

    await reader.predictions(limit=1)
    await reader._connection._opened.connection.set_progress_handler(count, 1)
    monkeypatch.setattr(reader, "_fetch", counted)
    pages: list[list[str]] = []
    cursor = None
    while cursor is not None or not pages:
        page = await reader.predictions(label="traffic light", before=cursor, limit=10, **filters)
        pages.append([item.prediction_id for item in page.items])
        cursor = page.next
    assert pages[-1] == ["id-5"]
    assert len(pages) >= 6
    assert not any(pages[:-1])
    assert max(steps) < 100 * 40, "a statement looked at more than a stretch"


async def test_page_that_is_full_at_once_looks_no_further(
    store: Store, reader: Reader, make_prediction: MakePrediction
) -> None:
    """Its next one goes on right after it."""
    await fill(store, [make_prediction(number) for number in range(30)])
    page = await reader.predictions(label="car", limit=10)
    assert [item.prediction_id for item in page.items] == [f"id-{number}" for number in range(29, 19, -1)]
    assert page.next == f"{page.items[-1].at!r}_21"


async def test_image_that_waits_for_its_audit_is_not_told_of(
    store: Store, reader: Reader, items: Items, keep: Any, make_prediction: MakePrediction
) -> None:
    """Whoever reviews it could look up whose answer it is; once it is reviewed there is nothing to hide."""
    await fill(store, [make_prediction(number) for number in range(3)])
    await keep("plain", prediction_id="id-0")
    await keep("drawn", prediction_id="id-1", drawn=0.1)
    names = [f"id-{number}" for number in range(3)]

    async def told() -> tuple[dict[str, str], list[str]]:
        page = await reader.predictions(sampled=True)
        return await reader.kept_of(names), [item.prediction_id for item in page.items]

    assert await told() == ({"id-0": "plain"}, ["id-0"])
    await items.claim_next("det", "ann", "audit", 600.0, 0.0)
    assert await told() == ({"id-0": "plain"}, ["id-0"]), "while it is under review"
    await items.decide("drawn", "ann", 0.0, "label", "labeled", {"labels": (Label("car", (1.0, 2.0, 3.0, 4.0)),)})
    assert await told() == ({"id-0": "plain", "id-1": "drawn"}, ["id-1", "id-0"])


@pytest.mark.parametrize("name", ["confidence", "latency_ms"])
async def test_range_without_an_inside_is_named(reader: Reader, name: str) -> None:
    """The lower bound above the upper one holds for nothing: that is a slip, not a question."""
    asked: dict[str, Any] = {f"min_{name}": 0.9, f"max_{name}": 0.5}
    with pytest.raises(ValueError, match=rf"^min_{name}: 0.9 is above max_{name}, 0.5"):
        await reader.predictions(**asked)
