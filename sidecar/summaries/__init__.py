"""The mergeable aggregate of a time bucket that everything downstream reads: metrics, charts, alerts, the stream.

What it is for: questions about the past cost as much as there are buckets, not predictions, and a fleet merges exactly
like one process. Pure: no clock, no disk, no randomness; NumPy for the columns of a batch.

Key types: ``Summary`` (counts, moments, histograms of one ``SummaryKey``), its parts ``Histogram``,
``ExponentialHistogram``, ``Moments``, ``RequestTotals``, ``ImageTotals``, and ``rollup`` to wider buckets.

Invariants, kept by tests/laws for each part:

- ``merge`` is exactly associative and commutative, has the empty part as its identity and leaves its arguments alone.
  Sums are integers (fixed point, millionths), never floats.
- Encoding is versioned and canonical: equal summaries have equal bytes. Unlike parameters (edges, component names)
  are refused, never merged.
- Only detections at or above the prediction's score threshold count.
"""

from sidecar.summaries.counts import CLASSES_MAX, admit, merge_counts
from sidecar.summaries.exponential import BUCKETS_MAX, ExponentialHistogram
from sidecar.summaries.histogram import Histogram
from sidecar.summaries.images import FEEDBACK_KINDS, ImageTotals
from sidecar.summaries.moments import Moments
from sidecar.summaries.requests import RequestTotals
from sidecar.summaries.summary import Summary, SummaryKey, merge_all, rollup
from sidecar.summaries.unlike import SummaryError

__all__ = [
    "BUCKETS_MAX",
    "CLASSES_MAX",
    "FEEDBACK_KINDS",
    "ExponentialHistogram",
    "Histogram",
    "ImageTotals",
    "Moments",
    "RequestTotals",
    "Summary",
    "SummaryError",
    "SummaryKey",
    "admit",
    "merge_all",
    "merge_counts",
    "rollup",
]
