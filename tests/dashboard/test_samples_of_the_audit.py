"""The images kept for review on the dashboard, where the random sample drew them."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from sidecar.recording import Batch, Store
from tests.api.live import make_prediction
from tests.dashboard.browser import Page
from tests.dashboard.pictures import DATASET, DRAWN, add_pictures, make_picture
from tests.dashboard.reviewing import in_store

PATH = "/review"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One image of the value queue, and one of the audit."""

    async def fill(store: Store) -> None:
        await add_pictures(tmp_path, store, 1)
        await store.add_sample(make_picture(tmp_path, 1, sample_id="d1", version="secret-7", **DRAWN))

    in_store(tmp_path, fill)
    return tmp_path


@pytest.fixture
def of_two_versions(folder: Path) -> None:
    """Two images of one request that was copied to a shadow; of both it is known that the versions disagree."""
    made = [
        make_prediction(5, prediction_id=f"m{copy}.{image}", request_id=f"m{copy}", image_index=image, role=role)
        for copy, role in (("", "serving"), ("-shadow", "shadow"))
        for image in range(2)
    ]

    async def fill(store: Store) -> None:
        await store.commit(Batch(made, [], {(0, 1): 1}))
        for image, more in enumerate(({}, DRAWN)):
            why = {"prediction_id": f"m.{image}", **more, "reasons": ("random_sample", "disagreement")[1 - image :]}
            await store.add_sample(make_picture(folder, 2 + image, sample_id=f"d{2 + image}", **why))

    in_store(folder, fill)


def test_image_of_the_audit_tells_who_answered_once_it_is_reviewed(page: Page) -> None:
    """Until then it says what it is for; a page that is open goes along."""
    page.open()
    page.says("#samples", "for the audit", "det@1")
    assert "secret-7" not in page.text("#samples")
    for path, body in (
        (f"datasets/{DATASET}/claim", {"by": "ann", "queue": "audit"}),
        ("items/d1/confirm", {"by": "ann"}),
    ):
        request = Request(f"{page.url}/api/v1/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urlopen(request) as answer:
            assert answer.status == 200
    page.says("#samples", "det@secret-7", "random sample")
    assert "for the audit" not in page.text("#samples")
    assert page.count("#samples > *") == 2


def test_image_that_versions_disagree_on_leads_to_both_answers(of_two_versions: None, page: Page) -> None:
    """Unless it waits for its audit."""
    page.open()
    page.says("#samples", "disagreement")
    links = page.run("return [...document.querySelectorAll('#samples figcaption a')].map((one) => one.href)")
    assert links == [f"{page.url}/predictions/{name}" for name in ("m.0", "m-shadow.0")]
    for link in links:
        with urlopen(link.replace("/predictions/", "/api/v1/predictions/")) as answer:
            assert answer.status == 200
    assert page.count("#samples > *") == 4
