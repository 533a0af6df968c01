"""Summary, its key and its encoding."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from math import isnan
from typing import Any, NamedTuple

from sidecar.summaries.exponential import ExponentialHistogram
from sidecar.summaries.histogram import Histogram
from sidecar.summaries.images import EDGES, LATENCY_NAMES, LATENCY_SCALES, UNIT_NAMES, UNIT_SCALES, ImageTotals
from sidecar.summaries.moments import Moments
from sidecar.summaries.requests import RequestTotals
from sidecar.summaries.unlike import SummaryError
from sidecar.types import Prediction, RequestCounts

ENCODING_VERSION = 2
_FIRST_VERSION = 1
"""It knew neither images by class nor feedback: read as if there were none."""
_HISTOGRAMS = 4
"""Their place in the state of ImageTotals."""
_PARAMETERS = zlib.crc32(repr((EDGES, UNIT_NAMES, UNIT_SCALES, LATENCY_NAMES, LATENCY_SCALES)).encode())
"""Stands for all edges and components: a summary made with others is refused."""


class SummaryKey(NamedTuple):
    """What a Summary is of. ``bucket`` is its start in epoch seconds, a multiple of ``width_s``.

    >>> SummaryKey(1_700_000_000, 10, "m", "1", "serving", "", 0, "").width_s
    10
    """

    bucket: int
    width_s: int
    model: str
    version: str
    role: str
    experiment: str
    epoch: int
    slice: str


class Summary:
    """The aggregate of one key. ``add_*`` change it in place, ``merge`` makes a new one. ``revision`` grows with each
    addition and adds up in a merge, so that whatever contains a newer part has a higher one.

    >>> import numpy as np
    >>> Summary() == Summary().merge(Summary()), Summary().to_dict()["avg_confidence"]
    (True, None)
    """

    __slots__ = ("_images", "_requests", "revision")

    def __init__(
        self, requests: RequestTotals | None = None, images: ImageTotals | None = None, revision: int = 0
    ) -> None:
        self._requests = requests or RequestTotals()
        self._images = images or ImageTotals()
        self.revision = revision

    def add_counts(self, counts: RequestCounts) -> None:
        """Add what a worker counted of this key."""
        self._requests = self._requests.merge(RequestTotals.of(counts))
        self.revision += 1

    def add_predictions(self, predictions: Sequence[Prediction]) -> None:
        """Add predictions, all of this key, the images of a request side by side. Failed requests count as nothing."""
        if predictions:
            self._images.add(predictions)
            self.revision += 1

    def add_probe(self, width: int, height: int, brightness: float) -> None:
        """Add an image of the input probe: its size in pixels, its mean luma in 0..1."""
        self._images.add_probe(width, height, brightness)
        self.revision += 1

    def add_feedback(self, kind: str, n: int = 1) -> None:
        """Count what a person said of an image: one of FEEDBACK_KINDS. Raises ValueError."""
        self._images.add_feedback(kind, n)
        self.revision += 1

    def merge(self, other: Summary) -> Summary:
        """Both sides together, as a new Summary."""
        return Summary(
            self._requests.merge(other._requests), self._images.merge(other._images), self.revision + other.revision
        )

    def encode(self) -> bytes:
        """A version byte and JSON; equal summaries have equal bytes."""
        state = [_PARAMETERS, self.revision, self._requests.to_state(), self._images.to_state()]
        return bytes((ENCODING_VERSION,)) + json.dumps(state, separators=(",", ":")).encode("ascii")

    @classmethod
    def decode(cls, encoded: bytes, *, histograms: bool = True) -> Summary:
        """The Summary that encode wrote. Raises SummaryError for another version, other parameters or other bytes.

        Without ``histograms`` those of detections and images are left empty, which takes half the time.
        """
        if not encoded or encoded[0] not in (_FIRST_VERSION, ENCODING_VERSION):
            raise SummaryError(f"summary: version {encoded[:1].hex() or 'none'}, expected {ENCODING_VERSION:02x}")
        try:
            parameters, revision, requests, images = json.loads(encoded[1:])
            if parameters != _PARAMETERS:
                raise SummaryError("summary: it was made with other edges or components")
            if encoded[0] == _FIRST_VERSION:
                images = [*images, {}, {}]
            if not histograms:
                images[_HISTOGRAMS] = {}
            return cls(RequestTotals.from_state(requests), ImageTotals.from_state(images), revision)
        except SummaryError:
            raise
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise SummaryError(f"summary: {error}") from error

    @property
    def requests(self) -> int:
        return self._requests.requests

    @property
    def statuses(self) -> dict[int, int]:
        """Requests by status sent; 0 where the client left first."""
        return self._requests.statuses

    @property
    def errors(self) -> dict[str, int]:
        """Requests by kind of error."""
        return self._requests.errors

    @property
    def failed(self) -> int:
        """Requests the serving side failed: answered with 5xx. A client that left or sent nonsense is not counted."""
        return sum(count for status, count in self.statuses.items() if status >= 500)

    @property
    def latency(self) -> ExponentialHistogram:
        """From the request's first byte to the response's last, of all requests."""
        return self._requests.latency

    @property
    def upstream(self) -> ExponentialHistogram:
        """The part of it spent on the upstream."""
        return self._requests.upstream

    @property
    def images(self) -> int:
        """Images whose detections were read."""
        return self._total("images")

    @property
    def detections(self) -> int:
        """Detections at or above the score threshold."""
        return self._total("detections")

    @property
    def images_without_detections(self) -> int:
        return self.images - self._total("images_with_detections")

    @property
    def undecodable(self) -> dict[str, int]:
        """Images of successful requests whose detections could not be read, by reason."""
        return self._images.undecodable

    @property
    def class_counts(self) -> dict[str, int]:
        """Detections by class name."""
        return self._images.class_counts

    @property
    def class_images(self) -> dict[str, int]:
        """Images with at least one detection of a class, by its name."""
        return self._images.class_images

    @property
    def feedback(self) -> dict[str, int]:
        """What people said of these images, by kind (FEEDBACK_KINDS)."""
        return self._images.feedback

    @property
    def avg_confidence(self) -> float:
        """The mean, over images with at least one detection, of each image's mean score; NaN without such images."""
        return self.units.ratio("confidence", "images_with_detections")

    @property
    def units(self) -> Moments:
        """Moments over requests: images, detections, confidence, images_with_detections, undecodable."""
        return self._images.units

    @property
    def latency_units(self) -> Moments:
        """Moments of upstream_ms over successful requests."""
        return self._images.latency_units

    @property
    def confidence_histogram(self) -> Histogram:
        """Scores, in millionths, in 50 bins from 0 to 1 (and two that stay empty outside)."""
        return self._images.confidence_histogram

    @property
    def detections_per_image(self) -> Histogram:
        return self._images.detections_per_image

    @property
    def area(self) -> Histogram:
        """Box area over image area."""
        return self._images.area

    @property
    def aspect(self) -> Histogram:
        """Box width over height."""
        return self._images.aspect

    @property
    def width(self) -> Histogram:
        """Image widths of the input probe, pixels."""
        return self._images.width

    @property
    def height(self) -> Histogram:
        """Image heights of the input probe, pixels."""
        return self._images.height

    @property
    def brightness(self) -> Histogram:
        """Mean luma of the input probe's images, 0..1."""
        return self._images.brightness

    def to_dict(self) -> dict[str, Any]:
        """All of it, JSON-able; null where there is nothing to take a mean of. Confidence edges are in 0..1."""
        average = self.avg_confidence
        document: dict[str, Any] = {
            "revision": self.revision,
            "requests": self.requests,
            "statuses": {str(status): n for status, n in sorted(self.statuses.items())},
            "errors": dict(sorted(self.errors.items())),
            "images": self.images,
            "detections": self.detections,
            "images_without_detections": self.images_without_detections,
            "undecodable": dict(sorted(self.undecodable.items())),
            "class_counts": dict(sorted(self.class_counts.items())),
            "class_images": dict(sorted(self.class_images.items())),
            "feedback": dict(sorted(self.feedback.items())),
            "avg_confidence": None if isnan(average) else average,
            "latency": self.latency.to_dict(),
            "upstream": self.upstream.to_dict(),
            "moments": {"units": self.units.to_dict(), "latency": self.latency_units.to_dict()},
        }
        for name in EDGES:
            document[name] = getattr(self._images, name).to_dict()
        document["confidence_histogram"] = {
            "edges": [edge / 50 for edge in range(51)],
            "counts": self.confidence_histogram.dense()[1:51],
        }
        return document

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Summary)
            and self.revision == other.revision
            and self._requests == other._requests
            and self._images == other._images
        )

    def __hash__(self) -> int:
        return hash(self.encode())

    def __repr__(self) -> str:
        return f"Summary(requests={self.requests}, images={self.images}, revision={self.revision})"

    def _total(self, name: str) -> int:
        return int(self.units.sums[UNIT_NAMES.index(name)])


def merge_all(summaries: Iterable[Summary]) -> Summary:
    """All of them together; the empty Summary where there are none.

    >>> merge_all([]) == Summary()
    True
    """
    merged = Summary()
    for summary in summaries:
        merged = merged.merge(summary)
    return merged


def rollup(rows: Iterable[tuple[SummaryKey, Summary]], width_s: int) -> dict[SummaryKey, Summary]:
    """Merge rows into buckets of ``width_s``, all else of the key as it is.

    Raises SummaryError where a row's width does not divide ``width_s``.

    >>> key = SummaryKey(1_700_000_010, 10, "m", "1", "serving", "", 0, "")
    >>> [wide.bucket for wide in rollup([(key, Summary())], 60)]
    [1699999980]
    """
    rolled: dict[SummaryKey, Summary] = {}
    for key, summary in rows:
        if width_s % key.width_s:
            raise SummaryError(f"width_s: buckets of {key.width_s} s do not fill buckets of {width_s} s")
        wide = key._replace(bucket=key.bucket - key.bucket % width_s, width_s=width_s)
        rolled[wide] = rolled[wide].merge(summary) if wide in rolled else Summary().merge(summary)
    return rolled
