from dataclasses import replace
from itertools import permutations

import pytest

from sidecar.recording import Reader, Sample, Store

SAMPLE = Sample("s", "p", "m", "1", 5.0, ("random_sample",), 0.5, "new", "image/png", "samples/s", 9, 4, 3)
LOW = replace(SAMPLE, reasons=("low_confidence", "random_sample"), probability=0.6)
CHOSEN = replace(SAMPLE, reasons=("disagreement",), probability=1.0)


async def test_further_reasons_join_and_raise_the_probability(store: Store, reader: Reader) -> None:
    """Kept by either of two draws: 1 - (1 - p)(1 - q). Nothing else of the sample changes."""
    await store.add_sample(SAMPLE)
    await store.set_sample_status("s", "reviewed")
    other = replace(SAMPLE, reasons=("no_detections",), probability=0.2, path="samples/x", bytes=1, at=9.0)
    await store.add_sample(other)
    found = await reader.sample("s")
    assert found is not None
    assert found.probability == pytest.approx(0.6)
    united = replace(SAMPLE, reasons=("random_sample", "no_detections"), status="reviewed")
    assert replace(found, probability=0.5) == united


async def test_same_draw_made_again_changes_nothing(store: Store, reader: Reader) -> None:
    """After a restart a request may be kept once more: for reasons it has already its probability stays."""
    for again in (LOW, LOW, SAMPLE):
        await store.add_sample(again)
        assert await reader.sample("s") == LOW


async def test_reasons_are_united_whatever_comes_first(store: Store, reader: Reader) -> None:
    """The order in which two parts keep an image, and a repeat of either, make no difference."""
    for place, order in enumerate(permutations((SAMPLE, CHOSEN, CHOSEN))):
        for sample in order:
            await store.add_sample(replace(sample, sample_id=f"s{place}"))
        found = await reader.sample(f"s{place}")
        assert found is not None
        assert (set(found.reasons), len(found.reasons)) == ({"random_sample", "disagreement"}, 2)
        assert found.probability == 1.0
    found_by_reason = (await reader.samples(reason="disagreement")).items
    assert len(found_by_reason) == 6
