"""Datasets, their items and versions through the client, against the real application."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.client import Client, InvalidRequest, NotFound
from tests.api.live_watch import LiveWatch
from tests.api.looped import DATASET
from tests.client.looping import looped
from tests.kit.trials_at_hand import TrialsAtHand


@pytest.fixture
def url(tmp_path: Path, watch: LiveWatch, trials: TrialsAtHand) -> Iterator[str]:
    """Where an application is served that has items to review and predictions."""
    with looped(tmp_path, watch, trials) as found:
        yield found


def test_flagged_items_are_as_many_as_asked_for(live: Client) -> None:
    """Over pages, any status, with filters; none is no number."""
    assert [item.id for item in live.get_flagged_items(DATASET, limit=2, queue="value")] == ["i2", "i1"]
    live.reject_item("i1", by="ann", reason="blurred")
    assert len(live.get_flagged_items(DATASET, status=None, limit=5_000)) == 3
    assert [item.id for item in live.flagged_items(DATASET, "rejected", limit=1)] == ["i1"]
    with pytest.raises(InvalidRequest, match="limit"):
        live.get_flagged_items(DATASET, limit=0)
    with pytest.raises(NotFound):
        live.get_flagged_items("nope")


def test_item_lives_through_all_its_calls(live: Client) -> None:
    """Claimed, released, confirmed, undone, rejected and deleted."""
    claimed = live.claim_next_item(DATASET, by="ann")
    assert claimed is not None
    assert (claimed.id, claimed.claimed_by) == ("i2", "ann")
    with pytest.raises(InvalidRequest) as raised:
        live.claim_item("i2", by="bob")
    assert raised.value.status == 409
    assert live.release_item("i2", by="ann").status == "needs_review"
    assert live.claim_item("i2", by="bob", lease_s=60).status == "in_review"
    assert live.confirm_item("i2", by="bob").verdict == "correct"
    assert live.undo_item("i2", by="bob").labels is None
    actions = [event.action for event in live.item_events("i2", limit=2)]
    assert actions == ["undo", "confirm", "claim", "release", "claim"]
    assert [event.item_id for event in live.dataset_events(DATASET)] == ["i2"] * 5
    audit = live.claim_next_item(DATASET, by="ann", queue="audit", lease_s=60)
    assert audit is not None
    assert audit.model is None
    assert live.claim_next_item(DATASET, by="bob", queue="audit") is None
    assert live.sample_image("i0").startswith(b"\x89PNG")
    assert live.delete_item("i0", by="ann").id == "i0"
    with pytest.raises(NotFound):
        live.get_item("i0")


def test_version_is_saved_whole_or_not_at_all(live: Client, tmp_path: Path) -> None:
    """What stands there stays where there is nothing to put in its place."""
    live.confirm_item("i0", by="ann")
    version = live.create_dataset_version(DATASET)
    assert live.dataset_versions(DATASET) == [live.dataset_version(version.id)] == [version]
    path = tmp_path / "out.zip"
    assert live.export_dataset_version(version.id, "coco", path) == path
    before = path.read_bytes()
    assert any(name.endswith(".png") for name in zipfile.ZipFile(path).namelist())
    with pytest.raises(NotFound):
        live.export_dataset_version("nope", "coco", path)
    assert (path.read_bytes(), list(tmp_path.glob("*.part"))) == (before, [])
    with pytest.raises(OSError, match="nowhere"):
        live.export_dataset_version(version.id, "coco", tmp_path / "nowhere" / "out.zip")


def test_labels_come_from_a_file_or_a_document(live: Client, tmp_path: Path) -> None:
    """A mapping or a list, as the tool has it."""
    document = {
        "images": [{"id": 1, "file_name": "i0.png", "width": 64, "height": 48}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 10, 20]}],
        "categories": [{"id": 1, "name": "cat"}],
    }
    assert live.import_labels(DATASET, "coco", document, by="ann").labeled == 1
    path = tmp_path / "labels.json"
    path.write_text(str(document).replace("'", '"'))
    assert live.import_labels(DATASET, "coco", path).unchanged == 1
    assert live.import_labels(DATASET, "label_studio", []).labeled == 0
    with pytest.raises(FileNotFoundError):
        live.import_labels(DATASET, "coco", tmp_path / "none.json")
    with pytest.raises(InvalidRequest, match="score"):
        live.import_labels(DATASET, "coco", {"score": math.nan})
