"""The images kept for review on the dashboard, where the random sample drew them."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from sidecar.recording import Store
from tests.dashboard.browser import Page
from tests.dashboard.pictures import DATASET, DRAWN, add_pictures, make_picture
from tests.dashboard.reviewing import in_store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One image of the value queue, and one of the audit."""

    async def fill(store: Store) -> None:
        await add_pictures(tmp_path, store, 1)
        await store.add_sample(make_picture(tmp_path, 1, sample_id="d1", version="secret-7", **DRAWN))

    in_store(tmp_path, fill)
    return tmp_path


def test_image_of_the_audit_tells_who_answered_once_it_is_reviewed(page: Page) -> None:
    """Until then it says what it is for; a page that is open goes along."""
    page.open()
    page.says("#samples", "for the audit", "det 1")
    assert "secret-7" not in page.text("#samples")
    for path, body in (
        (f"datasets/{DATASET}/claim", {"by": "ann", "queue": "audit"}),
        ("items/d1/confirm", {"by": "ann"}),
    ):
        request = Request(f"{page.url}/api/v1/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urlopen(request) as answer:
            assert answer.status == 200
    page.says("#samples", "det secret-7", "random sample")
    assert "for the audit" not in page.text("#samples")
    assert page.count("#samples > *") == 2
