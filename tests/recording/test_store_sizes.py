"""What the store says of its own size is what lies on the disk."""

from __future__ import annotations

from pathlib import Path

from sidecar.recording import Batch, Sample, Store
from sidecar.recording.files import store_path
from tests.api.live import START, make_prediction

IMAGE = b"x" * 10_000


async def kept(folder: Path, store: Store, number: int, status: str) -> None:
    """An image of that size, in review or labeled."""
    path = folder / "samples" / f"{number}.jpg"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(IMAGE)
    values = (f"s{number}", f"p{number}", "det", "1", START, ("low_confidence",), 0.5, status, "image/jpeg")
    await store.add_sample(Sample(*values, f"samples/{number}.jpg", len(IMAGE), 1, 1))


async def test_sizes_are_told_at_once_and_after_each_round(tmp_path: Path) -> None:
    """A store that is opened knows what it takes; a round of retention counts anew."""
    store = await Store.open(tmp_path)
    await store.commit(Batch([make_prediction(index) for index in range(50)], [], {(0, 1): 1}))
    await kept(tmp_path, store, 1, "needs_review")
    await kept(tmp_path, store, 2, "labeled")
    assert store.health.images_bytes == 0
    await store.retain(START + 60, 86_400, 1 << 30)
    health = store.health
    assert (health.images_bytes, health.kept_bytes) == (20_000, 10_000)
    assert 20_000 < health.used_bytes <= 20_000 + store_path(tmp_path).stat().st_size
    assert health.disk_free_bytes > 0
    await store.close()
    again = await Store.open(tmp_path)
    assert (again.health.images_bytes, again.health.used_bytes) == (20_000, health.used_bytes)
    assert again.health.set_aside_bytes == 0
    await again.close()
    store_path(tmp_path).write_bytes(b"no database " * 1_000)
    fresh = await Store.open(tmp_path)
    assert fresh.health.set_aside
    assert fresh.health.set_aside_bytes >= 12_000
    await fresh.close()
