"""The endpoints of kept images, and how predictions tell of theirs, over a real store."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from PIL import Image

from sidecar.api import Services
from sidecar.api.schemas import PredictionOut, PredictionsPage, RelatedPredictions
from sidecar.proxy import shadow
from sidecar.recording import Batch, Store
from sidecar.recording.reader import COPY_SUFFIX
from sidecar.trials import pairing
from tests.api.live import make_prediction
from tests.api.looped import make_item

Http = TestClient[Any, Any]
IMAGE = "/api/v1/samples/wide/image"


@pytest.fixture
async def wide(tmp_path: Path, store: Store, http: Http) -> bytes:
    """A sample ``wide`` of 800 x 400 pixels, of the prediction p1; its image."""
    made = io.BytesIO()
    Image.linear_gradient("L").resize((800, 400)).save(made, "PNG")
    item = make_item(tmp_path, 3, sample_id="wide", prediction_id="p1", width=800, height=400)
    (tmp_path / item.path).write_bytes(made.getvalue())
    await store.add_sample(item)
    return made.getvalue()


@pytest.fixture(autouse=True)
async def image_process_ends(services: Services) -> Any:
    yield
    assert services.thumbnails is not None
    await services.thumbnails._process.close()


async def faults_of(answer: Any) -> list[tuple[str, str]]:
    return [(fault["field"], fault["message"]) for fault in (await answer.json(content_type=None))["errors"]]


async def test_width_gives_a_small_copy_that_is_not_sent_twice(http: Http, wide: bytes) -> None:
    """It has a strong entity tag of its own for each width; without a width the image comes as it was kept."""
    answer = await http.get(IMAGE, params={"width": "320"})
    small = Image.open(io.BytesIO(await answer.read()))
    assert (answer.status, answer.content_type, small.size) == (200, "image/jpeg", (320, 160))
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    tag = answer.headers["ETag"]
    assert tag.startswith('"')
    again = await http.get(IMAGE, params={"width": "320"}, headers={"If-None-Match": tag})
    assert (again.status, await again.read(), again.headers["ETag"]) == (304, b"", tag)
    other = await http.get(IMAGE, params={"width": "160"}, headers={"If-None-Match": tag})
    assert (other.status, other.headers["ETag"] != tag) == (200, True)
    whole = await http.get(IMAGE)
    assert (whole.content_type, await whole.read()) == ("image/png", wide)


async def test_image_that_is_no_wider_or_cannot_be_made_smaller_comes_as_it_is(
    http: Http, store: Store, tmp_path: Path
) -> None:
    """So a page has something to show in any case."""
    await store.add_sample(make_item(tmp_path, 1))
    answer = await http.get("/api/v1/samples/i1/image", params={"width": "160"})
    assert (answer.content_type, Image.open(io.BytesIO(await answer.read())).size) == ("image/png", (64, 48))
    broken = make_item(tmp_path, 2, width=9_000, height=100)
    (tmp_path / broken.path).write_bytes(b"no image")
    await store.add_sample(broken)
    answer = await http.get("/api/v1/samples/i2/image", params={"width": "160"})
    assert (answer.status, await answer.read()) == (200, b"no image")


async def test_width_that_there_is_not_is_refused_with_those_there_are(http: Http, wide: bytes) -> None:
    """Or each number would be another image to make and remember."""
    answer = await http.get(IMAGE, params={"width": "321"})
    assert answer.status == 422
    assert await faults_of(answer) == [("width", "must be 160, 320 or 640")]


async def test_thumbnail_that_there_is_no_room_for_is_refused_and_counted(
    http: Http, services: Services, wide: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With when to ask again."""
    assert services.thumbnails is not None
    monkeypatch.setattr(services.thumbnails, "_waiting_max", 0)
    answer = await http.get(IMAGE, params={"width": "320"})
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    metrics = await (await http.get("/metrics")).text()
    assert 'sidecar_admin_turned_away_total{bound="thumbnails"} 1.0' in metrics


async def test_prediction_tells_its_kept_image(http: Http, wide: bytes) -> None:
    """In the list and by its id; null where there is none. Asked for so, these alone are found."""
    page = await (await http.get("/api/v1/predictions")).json()
    PredictionsPage.model_validate(page)
    told = {item["prediction_id"]: item["sample_id"] for item in page["items"]}
    assert (told["p0"], told["p1"], told["p2"]) == ("s1", "wide", None)
    one = PredictionOut.model_validate(await (await http.get("/api/v1/predictions/p1")).json())
    assert one.sample_id == "wide"
    kept = await (await http.get("/api/v1/predictions", params={"sampled": "true"})).json()
    assert {item["prediction_id"] for item in kept["items"]} == {"p0", "p1"}


async def test_image_of_the_audit_is_told_by_no_prediction(http: Http, store: Store, tmp_path: Path) -> None:
    """Neither by its id, nor in the list, nor by the filter."""
    drawn = {"reasons": ("random_sample",), "drawn": True, "draw_rate": 0.1, "audit_rank": 0.25}
    await store.add_sample(make_item(tmp_path, 5, sample_id="a0", prediction_id="p1", **drawn))
    assert (await (await http.get("/api/v1/predictions/p1")).json())["sample_id"] is None
    for sampled, names in (("true", {"p0"}), ("false", {"p1", "p2"})):
        page = await (await http.get("/api/v1/predictions", params={"sampled": sampled, "label": "cat"})).json()
        assert {item["prediction_id"] for item in page["items"]} & {"p0", "p1", "p2"} == names


@pytest.mark.parametrize("path", ["predictions", "predictions/export", "detections/export"])
async def test_range_without_an_inside_is_named(http: Http, path: str) -> None:
    """For the list and both exports."""
    answer = await http.get(f"/api/v1/{path}", params={"min_confidence": "0.9", "max_confidence": "0.5"})
    assert (answer.status, await faults_of(answer)) == (422, [("min_confidence", "0.9 is above max_confidence, 0.5")])


async def test_exports_hold_to_the_filters(http: Http, store: Store) -> None:
    """An export of predictions to all of them; of detections confidence and class are of each row."""
    made = [make_prediction(60 + n, unit=("gate", "dock")[n % 2], latency_ms=float(n)) for n in range(6)]
    await store.commit(Batch(made, [], {(0, 5): 1}))

    async def lines(path: str, **filters: str) -> list[str]:
        text = await (await http.get(f"/api/v1/{path}/export", params={"format": "csv", **filters})).text()
        return text.splitlines()[1:]

    found = await lines("predictions", unit="gate", min_latency_ms="1", min_confidence="0.85", max_confidence="0.95")
    assert [line.split(",")[0] for line in found] == ["p64", "p62"]
    assert await lines("predictions", unit="gate", min_confidence="0.95") == []
    rows = await lines("detections", unit="dock", max_latency_ms="3", max_confidence="0.6")
    assert [(row.split(",")[0], row.split(",")[8]) for row in rows] == [("p63", "dog"), ("p61", "dog")]


async def test_related_are_the_other_images_and_the_other_version(http: Http, store: Store, wide: bytes) -> None:
    """From each of them the others are reached; of a request of one image that was not copied there are none."""
    made = [
        make_prediction(40, prediction_id=f"r7{copy}.{image}", request_id=f"r7{copy}", image_index=image, role=role)
        for copy, role in (("", "serving"), ("-shadow", "shadow"))
        for image in range(2)
    ]
    await store.commit(Batch(made, [], {(0, 5): 1}))

    async def related(name: str) -> list[str]:
        found = await (await http.get(f"/api/v1/predictions/{name}/related")).json()
        return [item["prediction_id"] for item in RelatedPredictions.model_validate(found).model_dump()["items"]]

    everything = [item.prediction_id for item in made]
    for name in everything:
        assert await related(name) == [other for other in everything if other != name]
    assert await related("p1") == []
    assert (await http.get("/api/v1/predictions/nope/related")).status == 404
    assert COPY_SUFFIX == shadow.ID_SUFFIX == pairing.COPY_SUFFIX
