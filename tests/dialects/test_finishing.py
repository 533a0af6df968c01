"""Many images finished at once: each comes out as it would alone."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sidecar.dialects import DecodedImage, DialectSettings, Undecodable, decode_all
from sidecar.dialects.columns import Frame, RawImage, one_image
from sidecar.dialects.finishing import finish
from sidecar.dialects.terms import BOX_FORMATS
from tests.kit.build import exchange

NUMBER = st.floats(-50, 700, width=32) | st.sampled_from([0.0, 1.0, 1.9, float("nan"), float("inf"), 1e7, 2e7])
SCORE = st.sampled_from([0.0, 0.25, 0.5, 0.5, 0.9, 1.0, 1.0005, -0.0005]) | st.sampled_from([float("nan"), 1.5, -1.0])
NAME = st.sampled_from(["cat", "dog", "2", ""])
INDEX = st.sampled_from([0.0, 1.0, 2.0, 2.0, 7.0, -1.0, 0.5, float("nan"), 2.0**31])


@st.composite
def raw_images(draw: st.DrawFn) -> RawImage:
    count = draw(st.integers(0, 5))
    sound = draw(st.booleans())  # half of them, or hardly any image of several boxes would be
    number = st.floats(0, 600, width=32) if sound else NUMBER
    boxes = np.array(draw(st.lists(number, min_size=4 * count, max_size=4 * count)), np.float64).reshape(count, 4)
    scores = draw(st.lists(st.floats(0, 1) if sound else SCORE, min_size=count, max_size=count))
    named = draw(st.booleans())
    index = st.integers(0, 3) if sound else INDEX
    classes = draw(st.lists(NAME if named else index, min_size=count, max_size=count))
    frame = Frame(
        *draw(st.sampled_from([(0, 0), (640, 480)])),
        box_format=draw(st.sampled_from(BOX_FORMATS)),
        normalised=draw(st.sampled_from([None, True, False])),
        model_version=draw(st.sampled_from(["", "3"])),
    )
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    names = ("cat", "dog", "dog", "1")[: draw(st.integers(0, 4))]
    return one_image(
        boxes.astype(dtype),
        np.array(scores, dtype),
        classes if named else np.array(classes, np.float64),
        frame,
        DialectSettings(class_names=names),
    )


def plain(outcome: DecodedImage | Undecodable) -> object:
    """What can be compared."""
    if isinstance(outcome, Undecodable):
        return outcome.reason, outcome.detail
    found = outcome.detections
    arrays = found.boxes.tolist(), found.scores.tolist(), found.classes.tolist()
    kinds = found.boxes.dtype, found.scores.dtype, found.classes.dtype
    return arrays, kinds, found.labels, found.normalised, outcome.width, outcome.height, outcome.model_version


UNSET = Frame(), DialectSettings()
LARGE = one_image(np.ones((600, 4)), np.linspace(0, 1, 600), np.arange(600) % 7, *UNSET)
NONE = one_image(np.ones((0, 4)), np.ones(0), [], *UNSET)

ZEROS = one_image(np.array([[0.0, 0.0, 0.0, -0.0]]), np.zeros(1), ["a"], *UNSET)
TURNED = one_image(np.array([[9.0, 9.0, 0.0, 0.0], [0.0, 0.0, 9.0, 9.0]]), np.zeros(2), ["a", "a"], *UNSET)


@settings(max_examples=300, deadline=None)
@given(st.lists(raw_images(), max_size=8))
@example([])
@example([NONE])
@example([NONE, LARGE, NONE, LARGE])
@example([ZEROS, TURNED])
def test_images_finished_together_come_out_as_alone(raws: list[RawImage]) -> None:
    """Formats, orders, sizes, names and faults of one image have no part in another's."""
    assert repr([plain(outcome) for outcome in finish(raws)]) == repr([plain(finish([raw])[0]) for raw in raws])


def test_detections_cannot_be_changed() -> None:
    """Images share arrays: who writes into one would write into what others hold."""
    image, _ = finish([LARGE, LARGE])
    assert isinstance(image, DecodedImage)
    assert not any(array.flags.writeable for array in (image.detections.boxes, image.detections.scores))
    assert not image.detections.classes.flags.writeable


def test_exchange_that_cannot_be_read_leaves_the_others_alone() -> None:
    """Among exchanges read together each has its own outcome, in their order."""
    good = b'{"boxes": [[1, 2, 30, 40]], "scores": [0.5], "labels": ["cat"]}'
    wild = b'{"boxes": [[1, 2, 30, 4e9]], "scores": [0.5], "labels": ["cat"]}'
    two = b'{"predictions": [[[1, 2, 30, 40, 0.5, 1]], [[1, 2, 30, 40, 7.0, 1]]]}'
    asked = [(exchange(response_body=body), DialectSettings()) for body in (good, b"[", wild, two, good)]
    outcomes = decode_all(asked)
    reasons = [outcome.reason if isinstance(outcome, Undecodable) else len(outcome) for outcome in outcomes]
    assert reasons == [1, "not_json", "values", "values", 1]
