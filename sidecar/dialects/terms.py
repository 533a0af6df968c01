"""The words a dialect speaks to the rest of the monitor. Imports no numpy: configuration reads it too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sidecar.types import Detections

REASONS = (
    "empty",  # no body
    "too_large",  # over a bound: the tap's, or the inflated body's
    "truncated",  # the exchange broke off, or a tensor has fewer bytes than it says
    "encoding",  # a content coding that is unknown, damaged or cut off
    "not_json",
    "too_deep",  # nested deeper than JSON_DEPTH_MAX
    "error_reply",  # the server reports an error, whatever its status
    "unknown_format",  # no dialect knows this shape
    "missing_output",  # boxes, scores or classes are not there under any known name
    "shape",  # known names, but their sizes or types don't fit together
    "values",  # NaN, infinity, scores outside 0..1, counts or corners that cannot be
)

ROLES = ("boxes", "scores", "classes", "count")
"""What an output tensor can be to a detection; the keys of ``DialectSettings.outputs``."""

BOX_FORMATS = ("xyxy", "yxyx", "xywh", "cxcywh", "xxyy")
"""Orders of a box's four numbers. xywh starts at the left top corner, cxcywh at the centre; xxyy is Vertex AI's."""


class Undecodable(Exception):
    """A response that holds no readable detections. Never to be confused with an image without detections."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class DialectSettings:
    """What a person may say about a model's wire format; everything has a working default.

    ``dialect`` is a name of ``routes.NAMES``; ``class_names`` name class indices, first is 0; ``outputs`` maps a role
    (``ROLES``) to the name of the tensor that has it; ``box_format`` is one of ``BOX_FORMATS`` (empty: the dialect's
    own); ``normalised`` says whether boxes are 0..1 (None: the dialect's own way, or read off the values).
    Raises ValueError naming the field.
    """

    dialect: str = "auto"
    class_names: tuple[str, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    box_format: str = ""
    normalised: bool | None = None

    def __post_init__(self) -> None:
        from sidecar.dialects.routes import NAMES

        if self.dialect not in NAMES:
            raise ValueError(f"dialect: {self.dialect!r} is none of {', '.join(NAMES)}")
        if self.box_format and self.box_format not in BOX_FORMATS:
            raise ValueError(f"box_format: {self.box_format!r} is none of {', '.join(BOX_FORMATS)}")
        for role in self.outputs:
            if role not in ROLES:
                raise ValueError(f"outputs: {role!r} is none of {', '.join(ROLES)}")


@dataclass(slots=True)
class DecodedImage:
    """The detections of one image. ``width`` and ``height`` are 0 where neither response nor request head told them."""

    detections: Detections
    width: int
    height: int
    model_version: str = ""
