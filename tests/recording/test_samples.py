from dataclasses import fields, replace
from itertools import permutations

import numpy as np
import pytest

from sidecar.recording import Items, Reader, Sample, Store
from sidecar.types import Label

SAMPLE = Sample("s", "p", "m", "1", 5.0, ("random_sample",), 0.5, "needs_review", "image/png", "samples/s", 9, 4, 3)
LOW = replace(SAMPLE, reasons=("low_confidence", "random_sample"), probability=0.6)
CHOSEN = replace(SAMPLE, reasons=("disagreement",), probability=1.0)
DRAWN = replace(SAMPLE, drawn=True, draw_rate=0.02, audit_rank=0.75)


def differing(one: Sample, other: Sample) -> list[str]:
    names = [field.name for field in fields(Sample) if field.name != "detections"]
    return [name for name in names if getattr(one, name) != getattr(other, name)]


async def test_item_comes_back_with_all_it_bears(store: Store, reader: Reader, detections) -> None:
    """Every field survives, a hash of 64 set bits and text that UTF-8 can't hold among them."""
    sample = replace(
        DRAWN,
        dataset_id="det",
        variant="blue",
        role="treatment",
        experiment="t-1",
        epoch=3,
        slice="north",
        unit="camera-7",
        client_request_id="caf\udce9",
        score_threshold=0.25,
        checksum="ab" * 32,
        image_hash=(1 << 64) - 1,
        detections=detections,
        value=0.5,
        labels=(Label("car", (0.0, 1.5, 20.0, 30.25)),),
        reviewed_in="audit",
        reviewed_by="ann",
        reviewed_at=7.5,
        verdict="wrong_box",
        claimed_by="bob",
        claimed_in="value",
        claimed_until=9.5,
        split="train",
        in_versions=2,
        revision=4,
    )
    unchanged = {field.name for field in fields(Sample) if getattr(sample, field.name) == field.default}
    assert unchanged == set()
    await store.add_sample(sample)
    found = await reader.sample("s")
    assert found is not None
    assert differing(found, sample) == ["client_request_id"]
    assert found.client_request_id == "caf?"
    assert found.detections is not None
    np.testing.assert_array_equal(found.detections.boxes, detections.boxes)
    assert found.detections.labels == detections.labels


@pytest.mark.parametrize("image_hash", [None, 0, 1, (1 << 63) - 1, 1 << 63])
async def test_image_hash_is_read_without_a_sign(store: Store, reader: Reader, image_hash: int | None) -> None:
    """Bits are compared, so that a hash comes back as the number it was."""
    await store.add_sample(replace(SAMPLE, image_hash=image_hash))
    found = await reader.sample("s")
    assert found is not None
    assert found.image_hash == image_hash


@pytest.mark.parametrize("labels", [None, ()])
async def test_empty_labels_are_not_the_lack_of_labels(store: Store, reader: Reader, labels: tuple | None) -> None:
    """Nothing to see in the image is a review; no review is none."""
    await store.add_sample(replace(SAMPLE, labels=labels))
    found = await reader.sample("s")
    assert found is not None
    assert found.labels == labels


async def test_further_reasons_join_and_raise_the_probability(store: Store, reader: Reader) -> None:
    """Kept by either of two draws: 1 - (1 - p)(1 - q); its value is the higher one. Nothing else changes."""
    await store.add_sample(replace(SAMPLE, value=0.25))
    other = replace(SAMPLE, reasons=("no_detections",), probability=0.2, path="samples/x", bytes=1, at=9.0, value=0.75)
    await store.add_sample(other)
    found = await reader.sample("s")
    assert found is not None
    assert found.probability == pytest.approx(0.6)
    united = replace(SAMPLE, reasons=("random_sample", "no_detections"), value=0.75)
    assert replace(found, probability=0.5) == united


async def test_same_draw_made_again_changes_nothing(store: Store, reader: Reader) -> None:
    """After a restart a request may be kept once more: for reasons it has already its probability stays."""
    for again in (LOW, LOW, SAMPLE):
        await store.add_sample(again)
        assert await reader.sample("s") == LOW


async def test_reasons_are_united_whatever_comes_first(store: Store, reader: Reader) -> None:
    """The order in which two parts keep an image, and a repeat of either, make no difference."""
    for place, order in enumerate(permutations((DRAWN, CHOSEN, CHOSEN))):
        for sample in order:
            await store.add_sample(replace(sample, sample_id=f"s{place}"))
        found = await reader.sample(f"s{place}")
        assert found is not None
        assert (set(found.reasons), len(found.reasons)) == ({"random_sample", "disagreement"}, 2)
        assert (found.probability, found.drawn, found.draw_rate, found.audit_rank) == (1.0, True, 0.02, 0.75)
    found_by_reason = (await reader.samples(reason="random_sample")).items
    assert len(found_by_reason) == 6


async def test_draw_that_comes_late_leaves_the_review(store: Store, reader: Reader) -> None:
    """An item that was reviewed by its value joins the audit's images, and its review stays one by value."""
    items = Items(store)
    await store.add_sample(replace(CHOSEN, dataset_id="det"))
    claimed = await items.claim_next("det", "ann", "value", 60.0, 0.0)
    assert claimed is not None
    reviewed = await items.decide("s", "ann", 1.0, "label", "labeled", {"labels": (), "verdict": "correct"})
    await store.add_sample(DRAWN)
    found = await reader.sample("s")
    assert found is not None
    assert differing(found, reviewed) == ["reasons", "drawn", "draw_rate", "audit_rank"]
    assert (found.status, found.reviewed_in) == ("labeled", "value")
