import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sidecar.recording.blob import BLOB_VERSION, DETECTIONS_MAX, BlobError, pack_detections, unpack_detections
from sidecar.types import Detections


@given(st.data())
def test_packed_detections_come_back_bit_for_bit(data: st.DataObject) -> None:
    """Whatever the boxes, scores, classes and labels are, unpacking gives what was packed."""
    n = data.draw(st.integers(0, 20))
    floats = st.floats(width=32)
    detections = Detections(
        boxes=data.draw(hnp.arrays(np.float32, (n, 4), elements=floats)),
        scores=data.draw(hnp.arrays(np.float32, n, elements=floats)),
        classes=data.draw(hnp.arrays(np.int32, n)),
        labels=tuple(data.draw(st.lists(st.text(max_size=5), max_size=5))),
        normalised=data.draw(st.booleans()),
    )
    unpacked = unpack_detections(pack_detections(detections))
    for name in ("boxes", "scores", "classes"):
        np.testing.assert_array_equal(getattr(unpacked, name), getattr(detections, name))
        assert getattr(unpacked, name).dtype == getattr(detections, name).dtype
    assert (unpacked.labels, unpacked.normalised) == (detections.labels, detections.normalised)


@given(st.binary(max_size=80))
def test_unpacking_arbitrary_bytes_raises_blob_error_or_gives_detections(blob: bytes) -> None:
    """No bytes make unpacking fail in another way than BlobError."""
    try:
        detections = unpack_detections(blob)
    except BlobError:
        return
    assert detections.boxes.shape == (len(detections.scores), 4)


def test_unknown_version_is_refused(detections: Detections) -> None:
    """A blob of a later release is refused with both versions named."""
    blob = bytes((BLOB_VERSION + 1,)) + pack_detections(detections)[1:]
    with pytest.raises(BlobError, match=f"version {BLOB_VERSION + 1}, expected {BLOB_VERSION}"):
        unpack_detections(blob)


def test_more_detections_than_the_bound_keep_the_highest() -> None:
    """An absurd number of detections is cut at the bound, the highest scores stay."""
    n = DETECTIONS_MAX + 5
    scores = np.linspace(1, 0, n, dtype=np.float32)
    detections = Detections(np.zeros((n, 4), np.float32), scores, np.zeros(n, np.int32), ("a",))
    np.testing.assert_array_equal(unpack_detections(pack_detections(detections)).scores, scores[:DETECTIONS_MAX])


def test_wider_arrays_are_stored_as_float32() -> None:
    """Arrays in other types than the declared ones are converted, not misread."""
    wide = Detections(np.ones((1, 4)), np.array([0.5]), np.array([0], np.int64), ("a",))  # type: ignore[arg-type] - wider on purpose
    assert unpack_detections(pack_detections(wide)).scores.tolist() == [0.5]
