"""The endpoints of datasets and their versions, over a real store."""

from __future__ import annotations

import asyncio
import io
import zipfile
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient

from sidecar.api import Services, handlers_datasets
from sidecar.api.bodies import BODY_BYTES_MAX, LARGE_BODIES, LARGE_BODIES_MAX
from sidecar.api.datasets import ExportFormat
from sidecar.api.schemas_datasets import Dataset, DatasetsOut, DatasetVersion, LabelImport, VersionDiff
from sidecar.recording import Store
from tests.api.looped import DATASET, add_items
from tests.kit.wait import until

Http = TestClient[Any, Any]
DATASETS = "/api/v1/datasets"
VERSIONS = f"{DATASETS}/{DATASET}/versions"
LABELS = f"{DATASETS}/{DATASET}/labels"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(autouse=True)
async def items(tmp_path: Path, store: Store, http: Http) -> None:
    """Three items of the value queue, two of them labeled, and one of the audit."""
    await add_items(tmp_path, store, 3)
    for item_id in ("i0", "i1"):
        answer = await http.post(f"/api/v1/items/{item_id}/confirm", json={"by": "ann"})
        assert answer.status == 200


async def faults_of(answer: Any) -> list[str]:
    return [fault["field"] for fault in (await answer.json(content_type=None))["errors"]]


async def make_version(http: Http, **body: Any) -> dict[str, Any]:
    answer = await http.post(VERSIONS, json=body)
    document: dict[str, Any] = await answer.json(content_type=None)
    assert answer.status == 200, document
    DatasetVersion.model_validate(document)
    return document


def coco(*names: str) -> dict[str, Any]:
    """A COCO document that says there is one cat in each of these images."""
    images = [{"id": place, "file_name": f"{name}.png", "width": 64, "height": 48} for place, name in enumerate(names)]
    boxes = [{"id": place, "image_id": place, "category_id": 7, "bbox": [1, 2, 10, 20]} for place in range(len(names))]
    return {"images": images, "annotations": boxes, "categories": [{"id": 7, "name": "cat"}]}


async def test_dataset_is_made_with_an_id_of_its_name(http: Http) -> None:
    """It stands in the list, and its name is taken then."""
    made = await (await http.post(DATASETS, json={"name": "Front gate, night"})).json()
    Dataset.model_validate(made)
    assert (made["id"], made["origin"], made["items"]) == ("front-gate-night", "person", 0)
    found = await (await http.get(DATASETS)).json()
    DatasetsOut.model_validate(found)
    assert [item["id"] for item in found["items"]] == ["det", "front-gate-night"]
    again = await http.post(DATASETS, json={"name": "Front gate, night"})
    assert (again.status, await faults_of(again)) == (409, ["id"])
    assert (await (await http.post(DATASETS, json={"name": "!", "id": "g2"})).json())["id"] == "g2"


async def test_dataset_tells_what_is_in_it(http: Http) -> None:
    """Items by status, the audit apart, boxes by class."""
    found = await (await http.get(f"{DATASETS}/{DATASET}")).json()
    Dataset.model_validate(found)
    assert found["by_status"] == {"needs_review": 2, "in_review": 0, "labeled": 2, "rejected": 0}
    assert (found["audit"], found["classes"]) == ({"sampled": 1, "waiting": 1, "reviewed": 0}, {"cat": 2, "dog": 2})


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["name"]),
        ({"name": "!"}, ["name"]),
        ({"name": "x", "id": "No Slug"}, ["id"]),
        ({"name": "x", "id": "-a"}, ["id"]),
        ({"name": "x", "id": "a" * 64}, ["id"]),
        ({"name": "two\nlines", "size": 3}, ["name", "size"]),
    ],
)
async def test_dataset_that_can_not_be_names_its_fields(http: Http, body: dict[str, Any], fields: list[str]) -> None:
    """By the schema or by the rules."""
    answer = await http.post(DATASETS, json=body)
    assert (answer.status, await faults_of(answer)) == (422, fields)


async def test_version_made_again_is_the_same_and_a_child_tells_what_it_changes(http: Http) -> None:
    """Its parent is what it is compared with."""
    first = await make_version(http, name="v1")
    assert (first["items"], first["parent_id"], first["counts"]["deleted"]) == (2, None, 0)
    assert await make_version(http, name="v1") == first
    assert (await http.post("/api/v1/items/i2/label", json={"by": "ann", "labels": []})).status == 200
    second = await make_version(http, name="v2", parent_version_id=first["id"], by="ann")
    listed = (await (await http.get(VERSIONS)).json())["items"]
    assert [item["id"] for item in listed] == [second["id"], first["id"]]
    path = f"/api/v1/dataset-versions/{second['id']}/diff"
    diff = await (await http.get(path)).json()
    VersionDiff.model_validate(diff)
    assert (diff["base_id"], diff["added"], diff["examples"]["added"]) == (first["id"], 1, ["i2"])
    answer = await http.get(path, params={"base": "nope"})
    assert (answer.status, await faults_of(answer)) == (422, ["base"])


async def test_version_that_can_not_be_says_why(http: Http) -> None:
    """A parent that is none. A version of nothing may be, to begin with."""
    answer = await http.post(VERSIONS, json={"parent_version_id": "nope"})
    assert (answer.status, await faults_of(answer)) == (422, ["parent_version_id"])
    assert (await http.post(DATASETS, json={"name": "empty"})).status == 200
    answer = await http.post(f"{DATASETS}/empty/versions", json={})
    assert (answer.status, (await answer.json())["items"]) == (200, 0)


@pytest.mark.parametrize("format", get_args(ExportFormat))
async def test_export_is_a_zip_file_and_nothing_of_it_stays(http: Http, tmp_path: Path, format: str) -> None:
    """It is offered under a plain name; the temporary file is gone after."""
    version = await make_version(http)
    answer = await http.get(f"/api/v1/dataset-versions/{version['id']}/export", params={"format": format})
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/zip")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{version["id"]}-{format}.zip"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert zipfile.ZipFile(io.BytesIO(await answer.read())).testzip() is None
    await until(lambda: not any((tmp_path / "exports").iterdir()))


async def test_export_that_nobody_reads_to_the_end_leaves_nothing(http: Http, tmp_path: Path) -> None:
    """The temporary file goes with the connection."""
    version = await make_version(http)
    async with ClientSession() as session:
        url = http.make_url(f"/api/v1/dataset-versions/{version['id']}/export")
        answer = await session.get(url, params={"format": "coco"})
        answer.close()
    await until(lambda: not any((tmp_path / "exports").iterdir()))


async def test_export_in_no_form_is_told(http: Http) -> None:
    """With those there are."""
    answer = await http.get("/api/v1/dataset-versions/x/export", params={"format": "tar"})
    assert (answer.status, await faults_of(answer)) == (422, ["format"])
    assert "coco, yolo, voc" in (await answer.json(content_type=None))["detail"]


async def test_labels_of_another_tool_are_taken_once(http: Http) -> None:
    """What has them is left alone, what is unknown is told."""
    answer = await http.post(LABELS, params={"format": "coco", "by": "ann"}, json=coco("i2", "stranger"))
    came = await answer.json()
    LabelImport.model_validate(came)
    assert (answer.status, came["labeled"], came["unknown"]) == (200, 1, 1)
    item = await (await http.get("/api/v1/items/i2")).json()
    assert item["labels"] == [{"label": "cat", "box": [1.0, 2.0, 11.0, 22.0]}]
    again = await (await http.post(LABELS, params={"format": "coco"}, json=coco("i2"))).json()
    assert (again["labeled"], again["unchanged"]) == (0, 1)


@pytest.mark.parametrize(
    ("params", "content", "status", "field"),
    [
        ({}, b"{}", 422, "format"),
        ({"format": "yolo"}, b"{}", 422, "format"),
        ({"format": "coco"}, b"3", 422, None),
        ({"format": "coco"}, b"{}", 422, None),
        ({"format": "coco"}, b"{", 400, None),
    ],
)
async def test_document_that_is_none_is_told(
    http: Http, params: dict[str, str], content: bytes, status: int, field: str | None
) -> None:
    """Nothing is labeled by it."""
    answer = await http.post(LABELS, params=params, data=content, headers=JSON)
    assert answer.status == status
    assert field is None or await faults_of(answer) == [field]
    assert (await (await http.get("/api/v1/items/i2")).json())["status"] == "needs_review"


async def test_document_may_be_larger_than_an_ordinary_body(http: Http) -> None:
    """A list is one too, where the tool's is one."""
    content = orjson.dumps(coco("i2")) + b" " * BODY_BYTES_MAX
    answer = await http.post(LABELS, params={"format": "coco"}, data=content, headers=JSON)
    assert (answer.status, (await answer.json())["labeled"]) == (200, 1)
    answer = await http.post(LABELS, params={"format": "label_studio"}, data=b"[]", headers=JSON)
    assert answer.status == 200


async def test_large_bodies_are_taken_two_at_a_time(http: Http, services: Services) -> None:
    """The next is told to come again, small ones are not, and there is room again once one has ended."""
    held = asyncio.Event()

    async def slowly() -> Any:
        yield b"[" + b" " * BODY_BYTES_MAX
        await held.wait()
        yield b"]"

    def send(content: Any) -> Any:
        return http.post(LABELS, params={"format": "label_studio"}, data=content, headers=JSON)

    slow = [asyncio.create_task(send(slowly())) for _ in range(LARGE_BODIES_MAX)]
    large = b"[" + b" " * BODY_BYTES_MAX + b"]"
    assert http.server is not None
    await until(http.server.app[LARGE_BODIES].locked)
    refused = await send(large)
    assert (refused.status, (await send(b"[]")).status) == (503, 200)
    assert refused.headers["Retry-After"] == "1"
    assert services.turned_away["large_bodies"] == 1
    held.set()
    assert [answer.status for answer in await asyncio.gather(*slow)] == [200] * LARGE_BODIES_MAX
    assert (await send(large)).status == 200


async def test_every_endpoint_says_404_for_an_id_that_nothing_has(http: Http) -> None:
    """Of a dataset, and of a version."""
    with_id = [route for route in handlers_datasets.ROUTES if "{" in route.path]
    assert len(with_id) >= 6
    for route in with_id:
        document: Any = [] if route.path.endswith("/labels") else {}
        params = {"format": "label_studio"} if route.path.endswith(("/labels", "/export")) else {}
        path = route.path.format(version_id="nope", dataset_id="nope")
        answer = await http.request(
            route.method, path, json=document if route.method == "POST" else None, params=params
        )
        field = "version_id" if "version_id" in route.path else "dataset_id"
        assert (answer.status, await faults_of(answer)) == (404, [field]), route


@pytest.mark.parametrize("document", ["x", 1, None])
async def test_labels_that_are_no_document_are_a_fault_of_the_body(http: Http, document: object) -> None:
    """Once, not once a form that it is not."""
    answer = await http.post(LABELS, params={"format": "coco"}, data=orjson.dumps(document), headers=JSON)
    assert (answer.status, await faults_of(answer)) == (422, ["body"])
