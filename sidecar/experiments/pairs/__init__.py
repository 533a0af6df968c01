"""What two model versions say of the same image: boxes matched, counted, tested and told.

What it is for: a shadow test answers each request by two versions. ``pair_request`` matches their boxes image by image,
``PairSummary`` adds that up, ``report_of`` reads it out, and ``most_disagreeing`` picks the images worth a person's
look. Pure: no clock, no randomness, no disk, no asyncio; NumPy for the overlaps.

Key types: ``Matching`` of an image (``match``), ``ImagePair`` and ``RequestPair``, ``PairSummary``, ``PairReport`` with
its ``PairedTest``s.

Invariants, kept by tests/experiments/pairs:

- Only boxes at or above their own side's score threshold count. Each is in exactly one place: matched with a box of its
  class, flipped (paired with one of another class), missed (A alone) or extra (B alone). Two sides that agree class by
  class have no flips, whatever else overlaps.
- The matching has the greatest total IoU, first within classes, then over the rest. Swapping the sides swaps the
  answer, but for exact ties.
- ``merge`` of summaries is exactly associative and commutative with an identity; sums are integers (millionths). Names
  and flips are bounded where they are admitted, never at a merge. Another ``iou_min`` is refused.
- Requests are the units of both tests. A difference is called significant by the always-valid p-value alone.
"""

from sidecar.experiments.pairs.assignment import assign
from sidecar.experiments.pairs.classes import FLIPS_MAX, ClassCounts
from sidecar.experiments.pairs.iou import IncomparableError, in_one_unit, iou_matrix
from sidecar.experiments.pairs.matching import BOXES_MAX, IOU_MIN, BoxPair, LoneBox, Matching, match
from sidecar.experiments.pairs.paired_test import PairedTest, paired_test
from sidecar.experiments.pairs.pairing import ImagePair, RequestPair, most_disagreeing, pair_request
from sidecar.experiments.pairs.report import FlipCount, PairReport, report_of
from sidecar.experiments.pairs.summary import PairCounts, PairSummary, merge_pairs

__all__ = [
    "BOXES_MAX",
    "FLIPS_MAX",
    "IOU_MIN",
    "BoxPair",
    "ClassCounts",
    "FlipCount",
    "ImagePair",
    "IncomparableError",
    "LoneBox",
    "Matching",
    "PairCounts",
    "PairReport",
    "PairSummary",
    "PairedTest",
    "RequestPair",
    "assign",
    "in_one_unit",
    "iou_matrix",
    "match",
    "merge_pairs",
    "most_disagreeing",
    "pair_request",
    "paired_test",
    "report_of",
]
