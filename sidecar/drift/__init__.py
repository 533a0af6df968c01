"""Whether a model's detections changed, and what normal is: the judgement over summaries, without its bookkeeping.

What it is for: two periods (or a period and a baseline) become two lists of blocks; ``compare`` says how far they are
apart, whether that is more than blocks of one side differ among themselves, and which classes moved. Pure: no clock, no
disk, no asyncio; seeds come in as arguments.

Key types: ``Period`` and ``parse_period``; ``Level``, ``Block``, ``blocks_of``, ``enough`` and ``reachable``;
``compare`` and its ``DriftReport``; ``figures_of``, ``encode_blocks`` and ``decode_blocks`` for baselines; ``Seasonal``
for anomalies.

Invariants, kept by tests/laws:

- What is permuted are blocks, never frames; single images only where they are declared independent. Blocks within a day
  change places within their hour of the day only, and the report states what that leaves open.
- A distance is a Jensen-Shannon distance, base 2, in 0..1. A score is significant where its p-value, adjusted over
  all scores, is at most alpha and the distance over what chance gives is at least ``GATE``.
- Unequal volume alone is no drift: what is permuted is the difference of shares over its own noise.
- A p-value is in (0, 1], never under what the number of relabelings and of permutations allows. Too few blocks, or too
  few ways to relabel them, are called that; nothing is guessed.
- The same blocks and seed give the same report, in whatever order the blocks come.
"""

from sidecar.drift.baseline import BLOCKS_MAX, BaselineError, decode_blocks, encode_blocks, figures_of
from sidecar.drift.blocks import (
    BLOCKS_MIN,
    BLOCKS_SIDE_MAX,
    INDEPENDENT_LADDER,
    LADDER,
    Block,
    Level,
    blocks_of,
    enough,
    hour_of_day,
    image_blocks,
    with_probes,
)
from sidecar.drift.classes import AffectedClass, NewClass
from sidecar.drift.period import Period, PeriodError, parse_period
from sidecar.drift.permutation import reachable
from sidecar.drift.report import DriftReport, Verdict, compare
from sidecar.drift.scores import GATE, SCORES, Score
from sidecar.drift.seasonal import Seasonal, fit_seasonal
from sidecar.drift.sides import BlockCounts, SideSize

__all__ = [
    "BLOCKS_MAX",
    "BLOCKS_MIN",
    "BLOCKS_SIDE_MAX",
    "GATE",
    "INDEPENDENT_LADDER",
    "LADDER",
    "SCORES",
    "AffectedClass",
    "BaselineError",
    "Block",
    "BlockCounts",
    "DriftReport",
    "Level",
    "NewClass",
    "Period",
    "PeriodError",
    "Score",
    "Seasonal",
    "SideSize",
    "Verdict",
    "blocks_of",
    "compare",
    "decode_blocks",
    "encode_blocks",
    "enough",
    "figures_of",
    "fit_seasonal",
    "hour_of_day",
    "image_blocks",
    "parse_period",
    "reachable",
    "with_probes",
]
