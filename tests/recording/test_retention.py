from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.recording import Batch, ClockAgreement, Reader, Sample, Store, SummaryRow
from sidecar.recording.files import disk_bytes
from sidecar.recording.retention import SLICE_S, Retention

NOW = 1_700_100_000.0


def sample(tmp_path: Path, number: int, at: float, size: int = 10_000) -> Sample:
    path = f"samples/{number}.jpg"
    (tmp_path / "samples").mkdir(exist_ok=True)
    (tmp_path / path).write_bytes(b"x" * size)
    return Sample(
        f"s{number}", f"p{number}", "m", "1", at, ("random_sample",), 0.5, "new", "image/jpeg", path, size, 4, 3
    )


async def test_what_is_too_old_goes_with_its_image_files(
    store: Store, reader: Reader, tmp_path: Path, make_prediction
) -> None:
    """Predictions, samples and their files from before the age limit go; what is younger stays."""
    await store.commit(Batch([make_prediction(i, at=NOW - age) for i, age in enumerate((500, 101, 99, 0))]))
    old, young = sample(tmp_path, 1, NOW - 200), sample(tmp_path, 2, NOW - 50)
    await store.add_sample(old)
    await store.add_sample(young)
    removed = await store.retain(NOW, age_s=100, bytes_max=1 << 40)
    assert (removed.predictions, removed.samples) == (2, [old])
    assert [p.prediction_id for p in (await reader.predictions()).items] == ["id-3", "id-2"]
    assert [path.name for path in (tmp_path / "samples").iterdir()] == ["2.jpg"]
    assert removed.bytes >= old.bytes


async def test_over_the_bytes_images_go_before_predictions(store: Store, tmp_path: Path, make_prediction) -> None:
    """The oldest images make room first; predictions stay while that is enough."""
    await store.commit(Batch([make_prediction(i) for i in range(100)]))
    for number in range(60):
        await store.add_sample(sample(tmp_path, number, float(number), size=50_000))
    removed = await store.retain(0.0, age_s=1e9, bytes_max=2_200_000)
    assert removed.predictions == 0
    assert [s.sample_id for s in removed.samples] == [f"s{number}" for number in range(20)]


async def test_over_the_bytes_without_images_the_oldest_predictions_go(
    store: Store, reader: Reader, tmp_path: Path, make_prediction
) -> None:
    """The store shrinks under the bound on disk, too, and what is left is the newest."""
    await store.commit(Batch([make_prediction(i) for i in range(8_000)]))
    before = disk_bytes(tmp_path)
    removed = await store.retain(0.0, age_s=1e9, bytes_max=1_000_000)
    assert 0 < removed.predictions < 8_000
    assert (tmp_path / "sidecar.sqlite3").stat().st_size <= 1_000_000
    assert disk_bytes(tmp_path) < before
    assert (await reader.predictions(limit=1)).items[0].prediction_id == "id-7999"


async def test_bound_of_nothing_empties_the_store_and_ends(store: Store, make_prediction) -> None:
    """A bound that can't be met ends when nothing is left to remove."""
    await store.commit(Batch([make_prediction(i) for i in range(50)]))
    assert (await store.retain(0.0, age_s=1e9, bytes_max=0)).predictions == 50


async def test_hourly_summaries_outlive_the_finer_ones(store: Store, reader: Reader) -> None:
    """By age ten-second buckets go and hours stay for a year and a bit."""
    row = SummaryRow(int(NOW) - 7_200, 10, "m", "1", "serving", "", 0, "", 1, b"x")
    ancient = replace(row, width_s=3600, bucket=int(NOW) - 500 * 86_400)
    await store.commit(Batch(summaries=[row, replace(row, width_s=3600), ancient]))
    await store.retain(NOW, age_s=600, bytes_max=1 << 40)
    assert await reader.summaries(since=0, until=NOW, width_s=10) == []
    assert [item.bucket for item in await reader.summaries(since=0, until=NOW, width_s=3600)] == [row.bucket]


@pytest.mark.parametrize(("rows", "took_s", "expected"), [(100, 0.05, 50), (100, 1e-9, 200), (100, 60.0, 10)])
def test_next_slice_is_fitted_to_how_long_the_last_took(rows: int, took_s: float, expected: int) -> None:
    """Slices aim at half of their limit, double at most, and never shrink to nothing."""
    assert SLICE_S == 0.05
    assert Retention.rows_after(rows, took_s) == expected


def test_clock_jump_is_noticed() -> None:
    """After the wall clock is set a day on, age is no measure; a leap of seconds is none."""
    clocks = ClockAgreement(wall=NOW, monotonic=10.0)
    assert clocks.agree(wall=NOW + 3_601, monotonic=3_610.0)
    assert not clocks.agree(wall=NOW + 86_400, monotonic=3_610.0)
    assert not clocks.agree(wall=NOW - 86_400, monotonic=3_610.0)


async def test_deleting_a_prediction_takes_its_images_along(
    store: Store, reader: Reader, tmp_path: Path, make_prediction
) -> None:
    """Deletion by id removes the row, the samples' rows and their files."""
    await store.commit(Batch([make_prediction(1, prediction_id="p1")]))
    kept = sample(tmp_path, 1, NOW)
    await store.add_sample(kept)
    assert await store.delete_prediction("p1") == [kept]
    assert await reader.prediction("p1") is None
    assert await reader.sample("s1") is None
    assert not (tmp_path / kept.path).exists()


@pytest.mark.parametrize("path", ["../outside.jpg", "/etc/passwd", "", "samples/../../x"])
async def test_sample_outside_the_data_folder_is_refused(store: Store, path: str) -> None:
    """A path that leads out of the folder is an error at once, so that retention never deletes there."""
    with pytest.raises(ValueError, match="path:"):
        await store.add_sample(Sample("s", "p", "m", "1", 0.0, (), 1.0, "new", "image/png", path, 1, 1, 1))
