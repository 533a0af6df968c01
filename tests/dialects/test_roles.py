"""Which output is which."""

import numpy as np
import pytest

from sidecar.dialects.finishing import finish
from sidecar.dialects.reply import open_reply
from sidecar.dialects.roles import images_of, roles_of
from sidecar.dialects.terms import DialectSettings, Undecodable


def test_names_are_known_in_any_case_and_scope():
    """Scopes, suffixes and capitals do not hide a name; names of classes win over their numbers."""
    found = roles_of(["graph/Detection_Boxes:0", "SCORES", "classes", "labels", "raw_detection_boxes"], {})
    assert found == {"boxes": "graph/Detection_Boxes:0", "scores": "SCORES", "classes": "labels"}


def test_a_configured_output_must_be_there():
    """The error names the role and what there is."""
    with pytest.raises(Undecodable, match=r"outputs.boxes: no 'b' among scores"):
        roles_of(["scores"], {"boxes": "b"})


def test_axes_of_length_one_do_not_matter(exchange):
    """TensorRT's older plugin gives [B, N, 1, 4]."""
    reply = open_reply(exchange({}), DialectSettings())
    corners = np.array([[1.0, 2, 30, 40], [1, 2, 50, 60]])
    columns = {"boxes": corners.reshape(1, 2, 1, 4), "scores": np.array([[[0.5], [0.25]]]), "count": np.array([[2]])}
    (image,) = finish(images_of(reply, columns))
    assert image.detections.boxes.tolist() == corners.tolist()


def test_several_classes_without_a_class_output_are_undecodable(exchange):
    """With more than one name configured, a missing class is a fault; with none or one it is class 0."""
    columns = {"boxes": np.array([[1.0, 2, 30, 40]]), "scores": np.array([0.5])}
    one = open_reply(exchange({}), DialectSettings(class_names=("cat",)))
    assert finish(images_of(one, columns))[0].detections.labels == ("cat",)
    with pytest.raises(Undecodable, match="classes"):
        images_of(open_reply(exchange({}), DialectSettings(class_names=("cat", "dog"))), columns)


def test_slots_of_class_minus_one_are_padding(exchange):
    """ONNX Runtime and MXNet mark unused slots so; a declared count would be used first."""
    columns = {
        "boxes": np.array([[1.0, 2, 30, 40], [-1, -1, -1, -1]]),
        "scores": np.array([0.5, -1]),
        "classes": np.array([3, -1]),
    }
    (image,) = finish(images_of(open_reply(exchange({}), DialectSettings()), columns))
    assert image.detections.labels == ("3",)
