"""The overview: what a range of time looks like, beside the one before it and what is normal, and what changed.

What it is for: one question answers the dashboard's first page, and all of it rests on the same summaries, read once.

Key types: ``Span`` is which buckets make up a range and the one before it; ``Grid`` holds the figures of these buckets
by version; ``Change`` is a figure that surely differs; ``answer_of`` puts it all together. Pure: the clock comes in.

Invariants

- What is compared is measured as alerts measure it (``sidecar.alerts.Figures``).
- Noise is no change: a difference is told where it matters and chance does not make it, all comparisons together.
"""

from sidecar.api.overview.answer import Read, answer_of
from sidecar.api.overview.grid import Grid
from sidecar.api.overview.span import FIVE_MINUTES_S, HOUR_S, Span, span_of

__all__ = ["FIVE_MINUTES_S", "HOUR_S", "Grid", "Read", "Span", "answer_of", "span_of"]
