"""decode: bounds, states of an exchange, and whatever bytes come."""

import gzip
import importlib.util
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.dialects import REASONS, DialectSettings, Undecodable, decode
from sidecar.dialects.routes import NAMES
from sidecar.dialects.table import DIALECTS


def _local(name: str):
    """A neighbour of this file: tests are imported one by one, not as a package."""
    spec = importlib.util.spec_from_file_location(f"dialects_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


conftest = _local("conftest")
make_exchange = conftest.make_exchange

V2, V2_FIELDS = conftest.v2_binary(
    ("num_det", "INT32", np.array([[1]], "<i4"), [1, 1]),
    ("det_boxes", "FP32", np.array([[[1, 2, 30, 40], [0, 0, 0, 0]]], "<f4"), [1, 2, 4]),
    ("det_scores", "FP32", np.array([[0.5, 0]], "<f4"), [1, 2]),
    ("det_classes", "BYTES", b"\x03\0\0\0cat\0\0\0\0", [1, 2]),
)
BODIES = [
    *(orjson.dumps(body) for body in _local("test_detect").BODIES.values()),
    orjson.dumps({"predictions": [_local("test_tensorflow_serving").ROW]}),
    orjson.dumps({"outputs": {k: [v] for k, v in _local("test_tensorflow_serving").ROW.items()}}),
    orjson.dumps([{"dog": "[(167.42, 57.03), (301.36, 436.68)]"}]),
    orjson.dumps({"prediction": [[0.0, 0.5, 0.25, 0.5, 0.5, 0.75]]}),
    orjson.dumps({"Labels": [{"Name": "a", "Instances": [{"BoundingBox": {"Left": 0.5}, "Confidence": 50.0}]}]}),
]


AUTO = DialectSettings()


def check(exchange, chosen=AUTO):
    """decode's promise: sound columns, or Undecodable with a known reason."""
    try:
        images = decode(exchange, chosen)
    except Undecodable as error:
        assert error.reason in REASONS  # noqa: PT017
        return
    assert images
    for image in images:
        found = image.detections
        count = len(found.scores)
        assert found.boxes.shape == (count, 4)
        assert found.classes.shape == (count,)
        assert (found.boxes.dtype, found.scores.dtype, found.classes.dtype) == (np.float32, np.float32, np.int32)
        assert np.isfinite(found.boxes).all()
        assert (found.boxes[:, 2:] >= found.boxes[:, :2]).all()
        assert ((found.scores >= 0) & (found.scores <= 1)).all()
        assert (np.diff(found.scores) <= 0).all()
        assert len(set(found.labels)) == len(found.labels)
        assert set(found.classes.tolist()) == set(range(len(found.labels)))


def test_every_name_has_a_dialect():
    """The table and the names that settings may use are the same."""
    assert set(DIALECTS) == set(NAMES)


@settings(max_examples=150, deadline=None)
@given(
    body=st.sampled_from(BODIES),
    edits=st.lists(st.tuples(st.integers(0, 600), st.integers(0, 8), st.binary(max_size=8)), max_size=4),
    end=st.integers(0, 3000),
    dialect=st.sampled_from(NAMES),
    binding=st.booleans(),
)
def test_mutated_bodies_are_decoded_soundly_or_undecodable(body, edits, end, dialect, binding):
    """Whatever bytes are cut, changed or put in, nothing but Undecodable leaves decode."""
    for at, removed, added in edits:
        body = body[:at] + added + body[at + removed :]
    check(make_exchange(body[:end], dialect), DialectSettings(dialect=dialect if binding else "auto"))


@settings(max_examples=100, deadline=None)
@given(
    at=st.integers(0, len(V2)), removed=st.integers(0, 9), added=st.binary(max_size=9), json_bytes=st.integers(0, 900)
)
def test_mutated_binary_bodies_are_decoded_soundly_or_undecodable(at, removed, added, json_bytes):
    """The same for tensors after the JSON part, with the right and a wrong length of it."""
    body = V2[:at] + added + V2[at + removed :]
    check(make_exchange(body, "kserve_v2", response_headers=V2_FIELDS))
    check(make_exchange(body, response_headers=(("inference-header-content-length", str(json_bytes)),)))


WORDS = [
    "outputs", "predictions", "images", "results", "box", "boxes", "scores", "labels", "x", "y", "width",
    "height", "confidence", "class", "name", "shape", "datatype", "data", "parameters", "detection_boxes",
    "detection_scores", "score", "label", "bbox", "image", "success", "prediction", "CustomLabels", "Labels",
    "Instances", "BoundingBox", "Geometry", "num_detections", "x1", "y1", "x2", "y2", "bboxes", "confidences",
]  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["cat", "", "boxes", "[(1,2),(3,4)]", "FP32", "BYTES"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(WORDS),
        inner, max_size=6,
    ),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(value=VALUES, dialect=st.sampled_from(NAMES))
def test_any_json_of_known_words_is_decoded_soundly_or_undecodable(value, dialect):
    """Known fields with values of the wrong kind never raise anything else."""
    check(make_exchange(value, dialect))
    check(make_exchange(value), DialectSettings(dialect=dialect, box_format="cxcywh", normalised=True))


@pytest.mark.parametrize(
    ("options", "body", "reason"),
    [
        ({"status": 500}, b"[]", "error_reply"),
        ({"too_large": True}, b"", "too_large"),
        ({"error": "truncated"}, b"[]", "truncated"),
        ({}, b"", "empty"),
        ({}, b"<html></html>", "not_json"),
        ({}, b'{"images": []}', "missing_output"),
        ({"response_headers": (("content-encoding", "gzip"),)}, gzip.compress(b"[]")[:-3], "encoding"),
        ({"response_headers": (("content-encoding", "gzip"),)}, gzip.compress(b""), "empty"),
        ({"response_headers": (("inference-header-content-length", "9"),)}, b"[]", "truncated"),
        ({"response_headers": (("inference-header-content-length", "-1"),)}, b"[]", "shape"),
    ],
)
def test_an_exchange_that_went_wrong_is_undecodable(options, body, reason):
    """Errors, cut-off and over-long responses have a reason of their own."""
    with pytest.raises(Undecodable) as caught:
        decode(make_exchange(body, **options), DialectSettings())
    assert caught.value.reason == reason


def test_a_compressed_reply_is_read():
    """A gzip response says the same as a plain one."""
    for body in BODIES[:3]:
        exchange = make_exchange(gzip.compress(body), response_headers=(("content-encoding", "gzip"),))
        assert len(decode(exchange, DialectSettings())[0].detections.scores) == 1


def test_settings_name_their_faults():
    """A fault of the settings names its field."""
    for options, field in (
        ({"dialect": "yolo"}, "dialect"),
        ({"box_format": "xxxx"}, "box_format"),
        ({"outputs": {"masks": "m"}}, "outputs"),
    ):
        with pytest.raises(ValueError, match=f"{field}: "):
            DialectSettings(**options)


def test_a_large_reply_is_read_column_by_column():
    """Ten thousand detections come out sorted and named like twenty."""
    rng = np.random.default_rng(7)
    corners, classes = rng.random((10_000, 4)) * 100, rng.integers(0, 50, 10_000)
    corners[:, 2:] += corners[:, :2]
    body, fields = conftest.v2_binary(
        ("boxes", "FP32", corners.astype("<f4"), [1, 10_000, 4]),
        ("scores", "FP32", rng.random(10_000).astype("<f4"), [1, 10_000]),
        ("classes", "INT64", classes.astype("<i8"), [1, 10_000]),
    )
    exchange = make_exchange(body, response_headers=fields)
    check(exchange)
    (image,) = decode(exchange, DialectSettings())
    assert len(image.detections.scores) == 10_000
    assert set(image.detections.labels) == {str(index) for index in range(50)}
